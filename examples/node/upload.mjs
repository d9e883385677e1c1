// Uploads a file with cos-nodejs-sdk-v5, tries again, and reports the uploads that it leaves when it gives up.
//
//     node upload.mjs BUCKET REGION KEY FILE
//
// Do NOT report an attempt that you will repeat: an abort takes the parts that the next one would continue with.
// For servers only: who has HTTP_TOKEN can have any upload aborted that the function's settings allow.

import COS from "cos-nodejs-sdk-v5";

const { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, FUNCTION_URL, HTTP_TOKEN } = process.env;
const [Bucket, Region, Key, FilePath] = process.argv.slice(2);
const ATTEMPTS = 3;
const cos = new COS({ SecretId: TENCENTCLOUD_SECRET_ID, SecretKey: TENCENTCLOUD_SECRET_KEY });

// What this process started and did not complete. An upload that it only continued may be another client's.
const unfinished = new Map();
const multipartInit = cos.multipartInit;
cos.multipartInit = (params, done) =>
  multipartInit.call(cos, params, (error, data) => {
    if (!error) unfinished.set(data.UploadId, { bucket: params.Bucket, key: params.Key, uploadId: data.UploadId });
    done(error, data);
  });

for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
  process.exitCode = await cos.uploadFile({ Bucket, Region, Key, FilePath }).then(
    (data) => (unfinished.delete(data.UploadId), 0),
    (failure) => (console.error("attempt", attempt, failure), 1),
  );
  if (process.exitCode === 0) break;
}

// Completed, or given up: nobody continues what is unfinished now.
if (unfinished.size > 0) {
  const headers = { Authorization: `Bearer ${HTTP_TOKEN}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ uploads: [...unfinished.values()] });
  const response = await fetch(FUNCTION_URL, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}
