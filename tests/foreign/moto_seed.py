"""
Makes buckets and starts uploads in moto with boto3, in the environment that has both. Prints their ids as JSON.
"""

import json
import sys

import boto3

endpoint, (buckets, seeds) = sys.argv[1], json.load(sys.stdin)
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
ids = []
for name in buckets:
    client.create_bucket(Bucket=name)
for bucket, key, parts in seeds:
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    for number in range(1, parts + 1):
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=b"x")
    ids.append(upload_id)
print(json.dumps(ids))
