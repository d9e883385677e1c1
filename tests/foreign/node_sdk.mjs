// One call of COS's SDK for Node, told as JSON on the command line: its method, its parameters, its options. A
// parameter that names a file is `{"file": path, "start": …, "end": …}`. What came of it is printed as JSON,
// a body as its SHA-256.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';

const COS = createRequire(`${process.env.NODE_PACKAGES}/`)('cos-nodejs-sdk-v5');
const [method, parameters, options = '{}'] = process.argv.slice(2);
const cos = new COS({
  SecretId: process.env.AWS_ACCESS_KEY_ID,
  SecretKey: process.env.AWS_SECRET_ACCESS_KEY,
  Protocol: 'http:',
  Proxy: process.env.HTTP_PROXY,
  ...JSON.parse(options),
});
const given = JSON.parse(parameters);
if (given.Body?.file) {
  const { file, ...range } = given.Body;
  given.Body = createReadStream(file, range);
}
cos[method](given, (error, data) => {
  const body = Buffer.isBuffer(data?.Body) ? createHash('sha256').update(data.Body).digest('hex') : undefined;
  const failed = error && { status: error.statusCode, code: error.code, message: error.message };
  console.log(JSON.stringify(failed ? { error: failed } : { ...data, Body: body }));
  process.exit(0);
});
