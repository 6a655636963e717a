"""What a bucket's refusals mean: which may pass, which stay, and what to do, by the codes that servers answer with.

Sentences are our own: a server's message may quote keys and signatures. Knows codes and names, imports no client.
"""

from __future__ import annotations

from flows.stores.contract import Corrupt, StoreError, StoreFailed, StoreRefused

NO_CREDENTIALS = "no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
#: Each request that is made -> the right that it needs. docs/stores.md has the policy; a test holds the three together.
ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "ListParts": "s3:ListMultipartUploadParts",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
}
#: Codes under a 4xx status that pass by themselves.
_PASSING = frozenset(
    (
        *("RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "ThrottlingException"),
        *("RequestThrottled", "TooManyRequests", "RequestLimitExceeded", "BandwidthLimitExceeded"),
        *("OperationAborted", "ConditionalRequestConflict", "408", "409", "429"),
    )
)
#: The store has noticed that what arrived is not what was sent.
CHECKSUM_CODES = frozenset(
    ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ChecksumMismatch")
)
#: Codes that stay until somebody does what is said, under whatever status.
_STAYING = {
    "ExpiredToken": "the credentials have expired. Renew them and run again; finished parts are kept",
    "ExpiredTokenException": "the credentials have expired. Renew them and run again; finished parts are kept",
    "TokenRefreshRequired": "the credentials have expired. Renew them and run again; finished parts are kept",
    "InvalidToken": "the session token is not valid. Renew the credentials",
    "InvalidAccessKeyId": "the access key is not known there. Check AWS_ACCESS_KEY_ID or the profile",
    "SignatureDoesNotMatch": "the signature was refused. Check the secret access key, and the region",
    "RequestTimeTooSkewed": "this machine's clock is wrong. Set it (NTP) and run again",
    "NoSuchBucket": "there is no bucket of this name. Check the address, or create the bucket",
    "PermanentRedirect": "the bucket is in another region. Set AWS_REGION to it",
    "AuthorizationHeaderMalformed": "the bucket is in another region. Set AWS_REGION to it",
    "IllegalLocationConstraintException": "the bucket is in another region. Set AWS_REGION to it",
    "NotImplemented": "this server does not know the request. Use one that speaks S3 with conditional writes",
    "QuotaExceeded": "the quota is used up. Free some space, then run again",
    "EntityTooLarge": "the file is larger than this server takes",
}
#: Clients' own exceptions (botocore), by the names in their family.
_CLIENT_REFUSED = {
    "NoCredentialsError": NO_CREDENTIALS,
    "PartialCredentialsError": "the credentials are not complete. Set both the access key and its secret",
    "CredentialRetrievalError": "the credentials could not be fetched. Check the profile's login or role",
    "TokenRetrievalError": "the login has expired. Log in again (aws sso login)",
    "UnauthorizedSSOTokenError": "the login has expired. Log in again (aws sso login)",
    "SSOTokenLoadError": "the login has expired. Log in again (aws sso login)",
    "SSLError": "the server's certificate was not accepted. Check the address, or set AWS_CA_BUNDLE",
    "InvalidEndpointConfigurationError": "the endpoint's address cannot be used",
    "InvalidRegionError": "the region's name cannot be used. Check AWS_REGION",
}
_CLIENT_FAILED = frozenset(
    ("HTTPClientError", "ConnectionError", "EndpointConnectionError", "IncompleteReadError", "ResponseStreamingError")
)


class Taken(StoreError):
    """The condition of a request does not hold: somebody has the name. Never leaves the store."""


class NoUpload(StoreError):
    """The upload has been joined or ended. Never leaves the store."""


class Broken(StoreFailed):
    """The body of an answer broke off."""


def by_code(where: str, operation: str, code: str, status: int) -> StoreError:
    """An answer of the server as an error of the port."""
    if code in CHECKSUM_CODES:
        return Corrupt(f"{where}: {operation}: the bytes arrived changed ({code}); nothing of them was kept")
    if code in _STAYING:
        return StoreRefused(f"{where}: {operation}: {_STAYING[code]} ({code})")
    if status >= 500 or code in _PASSING or status in (408, 429):
        return StoreFailed(f"{where}: {operation}: the server could not do it ({status} {code}). Try again later")
    if status in (401, 403):
        action = ACTIONS.get(operation, operation)
        # Whoever may not list is told 403 for what is not there.
        also = " and s3:ListBucket" if action == "s3:GetObject" else ""
        return StoreRefused(f"{where}: {operation} is not allowed ({code}). Give these credentials {action}{also}")
    if status == 400 and operation.startswith("Head"):  # such an answer has no body that says why
        return StoreRefused(f"{where}: {operation} is refused (400). The credentials may have expired: renew them")
    if status == 404:
        return StoreRefused(f"{where}: {operation}: is not there ({code}). Check the bucket's name and the endpoint")
    return StoreRefused(f"{where}: {operation}: the server refuses ({status} {code})")


def by_family(where: str, operation: str, error: BaseException) -> StoreError | None:
    """A client's exception as an error of the port; None for what is no fault of the network, but ours."""
    family = [kind.__name__ for kind in type(error).__mro__]
    for name in family:
        if name in _CLIENT_REFUSED:
            return StoreRefused(f"{where}: {operation}: {_CLIENT_REFUSED[name]}")
    if "FlexibleChecksumError" in family:
        return Corrupt(f"{where}: {operation}: the bytes arrived changed; nothing of them was kept")
    if _CLIENT_FAILED.intersection(family):
        return StoreFailed(f"{where}: {operation}: the connection failed ({family[0]}). Try again later")
    return None
