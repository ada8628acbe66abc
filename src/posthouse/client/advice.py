"""What the big providers mean when they refuse, in plain words."""

from __future__ import annotations

# host ends with -> provider, where its app passwords are made.
APP_PASSWORDS = {
    "gmail.com": ("Gmail", "https://myaccount.google.com/apppasswords (2-step verification must be on)"),
    "googlemail.com": ("Gmail", "https://myaccount.google.com/apppasswords (2-step verification must be on)"),
    "mail.yahoo.com": ("Yahoo", "https://login.yahoo.com/account/security"),
    "mail.aol.com": ("AOL", "https://login.aol.com/account/security"),
    "mail.me.com": ("iCloud", "https://account.apple.com, under Sign-In and Security"),
    "fastmail.com": ("Fastmail", "https://app.fastmail.com/settings/security"),
}
# Microsoft has switched passwords off for these (since 2022 for organisations, 2024 for outlook.com).
OAUTH_ONLY = ("outlook.com", "office365.com")


def after_login_refused(host: str, user: str) -> str:
    """The next step after ``host`` refused a user name and a password."""
    host = host.lower()
    for suffix, (provider, url) in APP_PASSWORDS.items():
        if host == suffix or host.endswith(f".{suffix}"):
            return f"{provider} takes an app password here, not the one of the account: make one at {url}"
    if any(host == suffix or host.endswith(f".{suffix}") for suffix in OAUTH_ONLY):
        return "Microsoft takes no passwords from mail programs any more: this account needs a login by OAuth2."
    if "@" not in user:
        return "Check the password, and the user name: with most providers it is the whole mail address."
    return "Check the user name and the password; some providers want an app password for mail programs."
