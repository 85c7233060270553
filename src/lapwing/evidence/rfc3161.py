"""A time-stamping authority over HTTP (RFC 3161), with pinned root certificates.

Needs the extra `stamps`. Only the hash of a head leaves the house. The address is the operator's,
never a stranger's; redirects are not followed.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from lapwing.evidence.heads import SignedHead, head_to_text
from lapwing.evidence.repository import Stamp
from lapwing.model.errors import IntegrityBroken, InvalidInput, Unavailable

SECONDS = 20.0
LARGEST = 64 << 10
"""Bytes of an answer; one with its certificates has about 6,000."""


class TimestampAuthority:
    """One authority. `roots` are the certificates that its stamps must lead to."""

    def __init__(self, url: str, roots: Sequence[x509.Certificate]) -> None:
        self._url = _checked(url)
        self._roots = list(roots)

    @classmethod
    def pinned(cls, url: str, root: Path) -> TimestampAuthority:
        """With the certificates of a PEM file. Raises InvalidInput when it cannot be used."""
        try:
            roots = x509.load_pem_x509_certificates(root.read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"LAPWING_TSA_ROOT: {root} holds no certificates (PEM): {error}",
                field="LAPWING_TSA_ROOT",
            ) from error
        return cls(url, roots)

    def stamp(self, head: SignedHead) -> Stamp:
        """Ask for a stamp of the head's note. Raises Unavailable when no good one comes."""
        note = head_to_text(head).encode()
        request = TimestampRequestBuilder(note, HashAlgorithm.SHA256).build()
        answer = self._ask(request.as_bytes())
        try:
            response = decode_timestamp_response(answer)
            self._verified(VerifierBuilder.from_request(request), response, note)
            return Stamp(
                size=head.size,
                at=response.tst_info.gen_time,
                authority=_signer(response),
                response=answer,
            )
        except (ValueError, VerificationError) as error:
            raise Unavailable(
                f"the time-stamping authority's answer is no good: {error}"
            ) from error

    def check(self, head: SignedHead, stamp: Stamp) -> None:
        """Raise IntegrityBroken unless the stamp leads to a root and is of this very head."""
        try:
            response = decode_timestamp_response(stamp.response)
            self._verified(VerifierBuilder(), response, head_to_text(head).encode())
            same = response.tst_info.gen_time == stamp.at and stamp.size == head.size
        except (ValueError, VerificationError) as error:
            raise IntegrityBroken(
                f"the time stamp of the head of size {head.size} does not verify: {error}"
            ) from error
        if not same:
            raise IntegrityBroken(f"the time stamp of the head of size {head.size} says other")

    def _verified(self, builder: VerifierBuilder, response: TimeStampResponse, note: bytes) -> None:
        for root in self._roots:
            builder = builder.add_root_certificate(root)
        imprint = response.tst_info.message_imprint
        if imprint.message != hashlib.sha256(note).digest():
            raise VerificationError("it is of something else")
        builder.build().verify_message(response, note)

    def _ask(self, request: bytes) -> bytes:
        url = self._url
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
        }
        connection = _connection(url)
        try:
            connection.request("POST", path, request, headers)
            answer = connection.getresponse()
            body = answer.read(LARGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the time-stamping authority does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != 200 or len(body) > LARGEST:
            raise Unavailable(f"the time-stamping authority answered with status {answer.status}")
        return body


def _checked(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        usable = split.scheme in ("http", "https") and split.hostname and split.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput("LAPWING_TSA_URL must be an http or https URL", field="LAPWING_TSA_URL")
    return split


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, url.port, timeout=SECONDS, context=context)
    return http.client.HTTPConnection(host, url.port, timeout=SECONDS)


def _signer(response: TimeStampResponse) -> str:
    """The subject of the certificate whose key signed, as RFC 4514 writes names."""
    (signer,) = response.signed_data.signer_infos
    for der in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()
    raise VerificationError("the certificate that signed it is missing")
