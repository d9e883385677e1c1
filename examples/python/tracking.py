"""
A client of COS's SDK that knows which uploads it started and did not complete. `upload_file` itself names none.

An upload that it only continued is not among them: the SDK takes the newest upload of the key whose parts fit the file,
and that one may be another client's.
"""

from qcloud_cos import CosS3Client


class TrackingClient(CosS3Client):
    """Keeps the uploads that an event can name in `unfinished`, by upload id."""

    unfinished = None

    def create_multipart_upload(self, Bucket, Key, **options):
        """Start an upload. `upload_file` calls this before the first part."""
        answer = super().create_multipart_upload(Bucket, Key, **options)
        upload_id = answer["UploadId"]
        self.unfinished[upload_id] = {"bucket": Bucket, "key": Key, "uploadId": upload_id}
        return answer

    def complete_multipart_upload(self, Bucket, Key, UploadId, **options):
        """Complete an upload. `upload_file` calls this after the last part."""
        answer = super().complete_multipart_upload(Bucket, Key, UploadId, **options)
        self.unfinished.pop(UploadId, None)
        return answer
