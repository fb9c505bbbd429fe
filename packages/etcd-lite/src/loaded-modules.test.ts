import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const TELLS_WHAT_IT_LOADS = `
  const { registerHooks } = await import('node:module');
  registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
  await import(${JSON.stringify(new URL('./main.ts', import.meta.url))});
`;
/** Each takes megabytes of every member, and most never need it; for `node:http` see `GrpcServer`. */
const LATER = /^node:https?$|node_modules\/(@grpc|jose|bcryptjs|prom-client|yaml)\//;

test('a member starts without the libraries that only some come to need', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', TELLS_WHAT_IT_LOADS],
    { cwd: import.meta.dirname },
  );
  const urls = stdout.trim().split('\n');
  assert.ok(urls.includes('node:http2') && urls.some((url) => url.includes('node_modules/protobufjs/')));
  assert.deepEqual(
    urls.filter((url) => LATER.test(url)),
    [],
  );
});
