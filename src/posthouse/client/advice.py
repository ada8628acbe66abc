"""What providers mean when they refuse, in plain words: first by what they say, then by who says it."""

from __future__ import annotations

import re

GMAIL_PASSWORDS = "https://myaccount.google.com/apppasswords (2-step verification must be on)"
# host ends with -> provider, where its app passwords are made.
APP_PASSWORDS = {
    "gmail.com": ("Gmail", GMAIL_PASSWORDS),
    "googlemail.com": ("Gmail", GMAIL_PASSWORDS),
    "mail.yahoo.com": ("Yahoo", "https://login.yahoo.com/account/security"),
    "aol.com": ("AOL", "https://login.aol.com/account/security"),
    "mail.me.com": ("iCloud", "https://account.apple.com, under Sign-In and Security"),
    "fastmail.com": ("Fastmail", "https://app.fastmail.com/settings/security"),
    "qq.com": ("QQ", "https://mail.qq.com, under Settings, Account (it calls them authorization codes)"),
    "163.com": ("163", "https://mail.163.com, under Settings, POP3/SMTP/IMAP (it calls them authorization codes)"),
}
# Microsoft has switched passwords off for these (since 2022 for organisations, 2024 for outlook.com).
OAUTH_ONLY = ("outlook.com", "office365.com")
MICROSOFT = (
    "Microsoft takes no passwords from mail programs any more: log in by OAuth2, with "
    "`posthouse login ADDRESS --oauth-client-id ID`."
)

# What providers say, wherever the sentence stands in their answer -> the next step.
SAID: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        # Gmail, with 534 5.7.9 and with [ALERT]
        (
            r"application-specific password required|p=InvalidSecondFactor",
            f"Gmail takes an app password here, not the one of the account: make one at {GMAIL_PASSWORDS}",
        ),
        # Gmail, with 534 5.7.14, [WEBALERT] and [ALERT]
        (
            r"log in (?:via|with) your web browser|web login required",
            "Google wants to see you in a browser first: log in at https://mail.google.com, and try again; or log in by"
            " OAuth2.",
        ),
        # Gmail, GMX, WEB.DE, Yandex
        (
            r"not enabled for (?:imap|pop)|(?:imap|pop3?) (?:access )?is disabled",
            "Switch IMAP (or POP3) on in the mailbox's settings, on the provider's web page.",
        ),
        # Microsoft, with 535 5.7.139 and 550 5.7.30
        (r"basic authentication is (?:disabled|not supported)", MICROSOFT),
        (
            r"smtpclientauthentication is disabled",
            "Whoever administers this Microsoft 365 organisation has to allow authenticated SMTP for the mailbox:"
            " https://aka.ms/smtp_auth_disabled",
        ),
        # Exchange Online, with BAD: the login was for a mailbox that isn't there, or isn't this person's
        (
            r"user is authenticated but not connected",
            "The login is right, and there is no mailbox for it: check the user name (a shared mailbox has its own),"
            " and that the account has a licence for mail. Exchange also says so of an account that asks too much:"
            " then it helps to wait some minutes.",
        ),
        # Yahoo (#AUTH005), Gmail (454 4.7.0), Microsoft
        (
            r"too many (?:bad auth|login|failed)",
            "The server counts failed logins: wait some minutes, then check the password before the next attempt.",
        ),
        (r"unsafe login", "163 lets in programs that it knows only; allow this one in the mailbox's settings."),
    )
)


def by_words(said: str) -> str:
    """The next step after a server said this; empty for words that nobody knows."""
    return next((advice for pattern, advice in SAID if pattern.search(said)), "")


def after_login_refused(host: str, user: str, said: str = "") -> str:
    """The next step after ``host`` refused a user name and a password, with these words."""
    if advice := by_words(said):
        return advice
    for suffix, (provider, url) in APP_PASSWORDS.items():
        if _is_at(host, suffix):
            return f"{provider} takes an app password here, not the one of the account: make one at {url}"
    if any(_is_at(host, suffix) for suffix in OAUTH_ONLY):
        return MICROSOFT
    if "@" not in user:
        return "Check the password, and the user name: with most providers it is the whole mail address."
    return "Check the user name and the password; some providers want an app password for mail programs."


def after_token_refused(host: str, said: str = "") -> str:
    """The next step after ``host`` refused a token of OAuth 2."""
    if advice := by_words(said):
        return advice
    if any(_is_at(host, suffix) for suffix in OAUTH_ONLY):
        return (
            "Log in again with `posthouse login`, as the person whose mailbox this is; the app that you registered"
            " needs the permissions IMAP.AccessAsUser.All and SMTP.Send."
        )
    return (
        "Log in again with `posthouse login`: the token has no rights for mail, was taken back, or is somebody else's."
    )


def _is_at(host: str, suffix: str) -> bool:
    return f".{host.lower()}".endswith(f".{suffix}")
