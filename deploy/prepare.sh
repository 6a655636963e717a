#!/usr/bin/env bash
# What must be there before the first run, made where it is missing: the bucket, the work pool, the deployments.
# Harmless to repeat; docker-compose.yml does so at every start.
set -euo pipefail
store=${SPOTMILL_STORE:?like s3://bucket/prefix}
bucket=${store#s3://}

python - "${bucket%%/*}" <<'PYTHON'
import sys
import boto3
from botocore.exceptions import ClientError

s3, name = boto3.client("s3"), sys.argv[1]
try:
    s3.head_bucket(Bucket=name)
except ClientError as error:
    if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
        raise  # not allowed to look: making one would not mend that
    s3.create_bucket(Bucket=name)
PYTHON

prefect work-pool inspect "${POOL:-spotmill}" >/dev/null 2>&1 ||
  prefect work-pool create "${POOL:-spotmill}" --type process
cd /opt/spotmill
prefect --no-prompt deploy --prefect-file deploy/prefect.yaml --all
