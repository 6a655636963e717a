"""What a verifier's codes mean, in plain sentences. Codes are those of the C2PA specification, and three of our own."""

from __future__ import annotations

#: Codes of ours, for files that the library cannot read to the end.
DAMAGED, ELSEWHERE, UNKNOWN_KIND = "statement.damaged", "statement.elsewhere", "file.unknownKind"

#: Code, or the beginning of codes -> sentence. The longest beginning counts.
MEANINGS = {
    "assertion.bmffHash.mismatch": "the picture or sound data was changed after signing",
    "assertion.dataHash.mismatch": "the file's data was changed after signing",
    "assertion.boxesHash.mismatch": "the file's data was changed after signing",
    "assertion.collectionHash": "the files that belong together were changed after signing",
    "assertion.multipleHardBindings": "the statement is tied to more than one file",
    "assertion.hashedURI.mismatch": "a part of the statement itself was changed after signing",
    "assertion.missing": "a part of the statement is missing",
    "assertion.": "a part of the statement is not as it must be",
    "claim.hardBindings.missing": "the statement is not tied to the file's data",
    "claim.": "the statement is not as it must be",
    "claimSignature.mismatch": "the signature does not fit the statement",
    "claimSignature.missing": "the statement has no signature",
    "claimSignature.outsideValidity": "the certificate did not hold when the statement was signed",
    "claimSignature.": "the signature is not as it must be",
    "signingCredential.untrusted": "the signer's certificate is by nobody whom this machine trusts",
    "signingCredential.expired": "the signer's certificate has expired, and no time stamp says that it held at signing",
    "signingCredential.invalid": "the signer's certificate may not sign such statements",
    "signingCredential.revoked": "the signer's certificate was revoked",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "signingCredential.": "the signer's certificate is not as it must be",
    "timeStamp.mismatch": "the time stamp belongs to another statement",
    "timeStamp.outsideValidity": "the time stamp's own certificate did not hold",
    "timeStamp.": "the time stamp is not as it must be",
    "manifest.inaccessible": "the statement lies elsewhere, and nothing is fetched from addresses in files",
    "manifest.": "the statement is not as it must be",
    "ingredient.": "what the film was made from is not as the statement says",
    DAMAGED: "the statement is damaged, or the file around it was cut or added to after signing",
    ELSEWHERE: "the file names an address for its statement, and nothing is fetched from addresses in files",
    UNKNOWN_KIND: "this kind of file holds no Content Credentials",
}


def sentence(code: str) -> str:
    """What a code means; an unknown one is quoted."""
    known = max((beginning for beginning in MEANINGS if code.startswith(beginning)), key=len, default="")
    return MEANINGS[known] if known else f"the verifier says {code}"
