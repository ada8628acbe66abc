// Times are shown in the zone of the browser.
document.querySelector("[name=timezone]").value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
