/*
 * What the platform's own tools make of a serverless.yml, without the platform: `deploy` prints the requests of several
 * deployments one after the other, `pack` writes the zip that the command line uploads.
 *
 * Input is JSON on standard input. The tools print as they work, so the result goes to the file that is named.
 */

const fs = require('fs');
const http = require('http');

/* As it arrives at the other end of a connection: what is undefined is left out. */
const copy = (value) => JSON.parse(JSON.stringify(value));

/* Keeps what SCF keeps of a function and its triggers, and notes every request that changes something. */
class Platform {
  constructor() {
    this.function = null;
    this.triggers = [];
    this.requests = [];
  }

  scf({ Action, Version, ...body }) {
    if (/^(Create|Update|Delete)/.test(Action)) this.requests.push({ Action, ...body });
    return { Response: { RequestId: 'r', ...this[Action](body) } };
  }

  GetFunction() {
    if (this.function) return { ...this.function, Status: 'Active' };
    return { Error: { Code: 'ResourceNotFound.Function', Message: 'not found' } };
  }

  CreateFunction(body) {
    this.function = body;
  }

  UpdateFunctionCode() {}

  /* What a request does not name stays as it is. */
  UpdateFunctionConfiguration(body) {
    Object.assign(this.function, body);
  }

  GetAlias() {}

  ListTriggers({ Filters = [] }) {
    const wanted = Object.fromEntries(Filters.map(({ Name, Values }) => [Name, Values[0]]));
    const Triggers = this.triggers.filter((one) => Object.keys(wanted).every((name) => one[name] === wanted[name]));
    return copy({ Triggers, TotalCount: Triggers.length });
  }

  /* SCF lists triggers in another form than it takes them. */
  CreateTrigger({ Type, TriggerName, TriggerDesc, Qualifier, Enable, CustomArgument }) {
    const shown = Type === 'timer' ? JSON.stringify({ cron: TriggerDesc }) : TriggerDesc;
    const trigger = { Type, TriggerName, TriggerDesc: shown, Qualifier, Enable: Number(Enable === 'OPEN'), CustomArgument };
    this.triggers.push(trigger);
    return { TriggerInfo: trigger };
  }

  UpdateTrigger() {}

  DeleteTrigger({ Type, TriggerName }) {
    this.triggers = this.triggers.filter((one) => one.Type !== Type || one.TriggerName !== TriggerName);
  }

  /* A CLS trigger is created at CLS. */
  cls({ path, method, data, query }) {
    const exists = this.triggers.some((one) => one.Type === 'cls' && one.TriggerName === (data || query).topic_id);
    if (method === 'GET') return exists ? {} : { error: { message: '404' } };
    this.requests.push({ Action: `CLS ${method} ${path}`, ...data });
    if (exists) return {};
    const ResourceId = `topic/${data.topic_id}`;
    this.triggers.push({ Type: 'cls', TriggerName: data.topic_id, TriggerDesc: '{}', Qualifier: data.qualifier, ResourceId });
    return {};
  }
}

async function deploy({ region, deployments }) {
  const platform = new Platform();
  const paths = [require.resolve('tencent-component-toolkit')];
  const ofToolkit = (name) => require(require.resolve(name, { paths }));
  ofToolkit('@tencent-sdk/capi').Capi.prototype.request = async (body) => platform.scf(body);
  ofToolkit('@tencent-sdk/cls').Cls.prototype.request = async (request) => platform.cls(request);
  const { Scf } = require('tencent-component-toolkit');
  const { resolveInputEnvVariables } = require('@serverless/platform-client-china/src/utils');
  const found = [];
  for (const inputs of deployments) {
    platform.requests = [];
    const { src, ...resolved } = copy(resolveInputEnvVariables(inputs));
    await new Scf({}, region).deploy({ ...resolved, code: { bucket: 'code', object: 'function.zip' } });
    found.push(platform.requests);
  }
  return { deployments: found, triggers: platform.triggers.map((one) => one.Type), function: platform.function };
}

async function pack({ inputs, target }) {
  const received = [];
  const server = http.createServer((request, response) => {
    const file = request.method === 'PUT' ? fs.createWriteStream(target) : null;
    if (file) request.pipe(file).on('finish', () => response.end());
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { instance } = require('@serverless/platform-client-china/src/api');
  const urls = { previousMapDownloadUrl: url, changesUploadUrl: url, srcDownloadUrl: url };
  instance.preCache = async () => urls;
  instance.run = async (_sdk, { inputs: sent }) => received.push(sent);
  const { run } = require('@serverless/platform-client-china/src/instance');
  const named = { orgName: 'o', appName: 'a', stageName: 'prod', instanceName: 'i', name: 'i', app: 'a', stage: 'prod' };
  await run({}, 'deploy', { ...named, component: 'scf', inputs }, {}, {});
  server.close();
  return { inputs: received[0] };
}

const [command, output] = process.argv.slice(2);
({ deploy, pack })[command](JSON.parse(fs.readFileSync(0, 'utf8'))).then(
  (result) => {
    fs.writeFileSync(output, JSON.stringify(result));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
