// Aborts every upload of a bucket with cos-nodejs-sdk-v5 and prints its figures, as figures.py has them.
//
// The SDK lists the whole bucket before its first abort. The clocks run from the `warm`-th answer to an abort on, and
// until the last abort but AsyncLimit is answered: neither the listing nor the tail's idle connections count against it.
//
// node abort.cjs PORT ASYNC_LIMIT UPLOADS PROTOCOL, with the names of load.py in the environment as LOAD.

const COS = require("cos-nodejs-sdk-v5");

const [port, asyncLimit, uploads] = process.argv.slice(2, 5).map(Number);
const protocol = process.argv[5];
const load = JSON.parse(process.env.LOAD);
const warm = Math.floor(uploads / 4);
const end = uploads - asyncLimit;

const cos = new COS({
  SecretId: load.secret_id,
  SecretKey: load.secret_key,
  SecurityToken: load.token,
  Protocol: protocol,
  // Its way to a server on this machine; the real Host header is kept.
  Ip: `127.0.0.1:${port}`,
});

let answered = 0;
let began;
let ended;

const clocks = () => ({ seconds: Number(process.hrtime.bigint()) / 1e9, cpu: process.cpuUsage() });
const abort = cos.multipartAbort;
cos.multipartAbort = function (params, callback) {
  return abort.call(this, params, (error, data) => {
    answered += 1;
    if (answered === warm) began = clocks();
    if (answered === end) ended = clocks();
    callback(error, data);
  });
};

cos.abortUploadTask(
  { Bucket: load.bucket, Region: load.region, Level: "bucket", AsyncLimit: asyncLimit },
  (error, data) => {
    if (error || data.errorList.length || data.successList.length !== uploads) {
      console.error(error || `${data.errorList.length} of ${uploads} aborts failed`);
      process.exit(1);
    }
    const cpu = ended.cpu.user + ended.cpu.system - began.cpu.user - began.cpu.system;
    const figures = {
      calls: end - warm,
      seconds: ended.seconds - began.seconds,
      cpu_seconds: cpu / 1e6,
      peak_bytes: process.resourceUsage().maxRSS * 1024,
    };
    console.log(JSON.stringify(figures));
  },
);
