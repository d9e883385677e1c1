"""
The CAM actions that a sweep needs: their names in a policy.
"""

LIST_BUCKETS = "name/cos:GetService"
LIST_UPLOADS = "name/cos:ListMultipartUploads"
LIST_PARTS = "name/cos:ListParts"
ABORT = "name/cos:AbortMultipartUpload"
