"""Single values: what is wrong with an address, a number, a link. Pure; None means nothing is."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

MOST_TEXT = 1_000_000
"""Characters of a text that the authority sets no limit to."""
MOST_URL = 2083

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAIL = re.compile(r"[^@\s<>()\[\]\\,;:\"]{1,64}@(?:[\w-]{1,63}\.)+[\w-]{2,63}")
_CALLING_CODE = re.compile(r"\+[0-9]{1,3}")
_NUMBER = re.compile(r"[0-9][0-9 ().\-]{2,30}")
_EXTENSION = re.compile(r"[0-9]+")


def text_fault(text: str, most: int | None) -> str | None:
    if not text.strip():
        return "must not be blank; leave it out instead"
    limit = MOST_TEXT if most is None else most
    if len(text) > limit:
        return f"longer than {limit} characters"
    if _NOT_IN_XML.search(text):
        return "holds a character that XML cannot hold"
    return None


def url_fault(url: str) -> str | None:
    if len(url) > MOST_URL:
        return f"longer than {MOST_URL} characters"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not a web address"
    if parts.scheme not in ("http", "https", "ftp") or not host or re.search(r"\s", url):
        return "not a web address; it looks like https://host/path"
    return None


def mail_fault(address: str) -> str | None:
    return None if _MAIL.fullmatch(address) else "not an e-mail address"


def ip_address_fault(address: str) -> str | None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "not an IP address"
    return None


def phone_fault(number: str) -> str | None:
    """The number must not repeat the calling code."""
    if number.startswith(("+", "00")):
        return "the calling code goes into countryCallingCode, not into the number"
    return None if _NUMBER.fullmatch(number) else "not a telephone number"


def calling_code_fault(code: str) -> str | None:
    return None if _CALLING_CODE.fullmatch(code) else "a plus and one to three digits"


def extension_fault(extension: str) -> str | None:
    return None if _EXTENSION.fullmatch(extension) else "digits only"
