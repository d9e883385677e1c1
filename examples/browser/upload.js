// Uploads a file from a page with cos-js-sdk-v5, and reports the uploads that it leaves to YOUR backend when it gives up.
//
//     import { upload } from "./upload.js";
//     await upload(cos, { Bucket, Region, Key, Body: file });
//
// Do NOT report an attempt that is repeated, nor when the page is closed: the SDK keeps the ids in localStorage and
// continues when the user chooses the file again. A page that never comes back is the timer's.
// The page must not hold the function's token or keys that may invoke it: with either it could have every upload aborted.

export async function upload(cos, params, attempts = 3) {
  // What this page started and did not complete. An upload that it only continued may be another page's.
  const unfinished = new Map();
  const { multipartInit } = cos;
  cos.multipartInit = (request, done) =>
    multipartInit.call(cos, request, (error, data) => {
      if (!error && request.Key === params.Key) unfinished.set(data.UploadId, params.Key);
      done(error, data);
    });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const data = await cos.uploadFile({ ...params });
        unfinished.delete(data.UploadId);
        return data;
      } catch (failure) {
        if (attempt === attempts) throw failure;
      }
    }
  } finally {
    cos.multipartInit = multipartInit;
    for (const [uploadId, key] of unfinished) {
      const body = JSON.stringify({ key, uploadId });
      const headers = { "Content-Type": "application/json" };
      await fetch("/abandoned-uploads", { method: "POST", headers, body, keepalive: true }).catch(console.error);
    }
  }
}
