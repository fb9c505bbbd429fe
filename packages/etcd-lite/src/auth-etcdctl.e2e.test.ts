import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { TestStore } from '@kubelab/rpc/testing';
import { isInstalled, targets } from './testing/targets.ts';

const skip = !isInstalled('etcdctl') && 'no etcdctl here';

for (const target of targets) {
  describe(`unmodified etcdctl manages users of ${target.name}`, { skip: skip || target.skip }, () => {
    let store: TestStore;
    before(async () => {
      store = await target.start();
    });
    after(() => store.stop());

    /** What it prints on either stream, whether it succeeds or not, without its log. */
    function etcdctl(args: string, input = ''): Promise<string> {
      const env = { ...process.env, ETCDCTL_API: '3' };
      const endpoint = (store.endpoints[0] ?? '').replace('http://', '');
      return new Promise((resolve) => {
        const child = execFile(
          'etcdctl',
          ['--endpoints', endpoint, ...args.split(' ')],
          { env, timeout: 10_000 },
          (_error, stdout, stderr) => resolve(`${stdout}${stderr}`.replaceAll(/^\{.*\}\n/gm, '').trimEnd()),
        );
        child.stdin?.end(input);
      });
    }

    const steps: readonly (readonly [what: string, args: string, want: string, input?: string])[] = [
      ['auth is not turned on without root', 'auth enable', 'Error: etcdserver: root user does not exist'],
      ['a user is added', 'user add root:pw', 'User root created'],
      ['a password is read', 'user add u --interactive=false', 'User u created', 'secret\n'],
      ['a user may have none', 'user add cn --no-password', 'User cn created'],
      ['twice is refused', 'user add root:x', 'Error: etcdserver: user name already exists'],
      ['a role is added', 'role add r', 'Role r created'],
      ['a prefix is granted', 'role grant-permission r readwrite a/ --prefix=true', 'Role r updated'],
      ['a key is granted', 'role grant-permission r read k', 'Role r updated'],
      ['a range is granted', 'role grant-permission r write m p', 'Role r updated'],
      ['all from a key on is granted', 'role grant-permission r write z --from-key=true', 'Role r updated'],
      [
        'a role is shown',
        'role get r',
        [
          'Role r',
          'KV Read:',
          '\t[a/, a0) (prefix a/)',
          '\tk',
          'KV Write:',
          '\t[a/, a0) (prefix a/)',
          '\t[m, p)',
          '\t[z, <open ended>',
        ].join('\n'),
      ],
      ['a role is granted', 'user grant-role u r', 'Role r is granted to user u'],
      ['a user is shown', 'user get u', 'User: u\nRoles: r'],
      ['users are listed', 'user list', 'cn\nroot\nu'],
      // It makes the role root, and grants it, by itself.
      ['auth is turned on', 'auth enable --user root:pw', 'Authentication Enabled'],
      ['nobody is refused', 'get k', 'Error: etcdserver: user name is empty'],
      [
        'a wrong password is refused',
        'get k --user u:wrong',
        'Error: etcdserver: authentication failed, invalid user ID or password',
      ],
      ['what is granted goes', 'put a/1 v --user u:secret', 'OK'],
      ['and comes', 'get a/1 --user u:secret', 'a/1\nv'],
      ['other keys are refused', 'put b v --user u:secret', 'Error: etcdserver: permission denied'],
      ['too wide a range too', 'get a/ --from-key --user u:secret', 'Error: etcdserver: permission denied'],
      ['and management', 'user list --user u:secret', 'Error: etcdserver: permission denied'],
      ['not oneself', 'user get u --user u:secret', 'User: u\nRoles: r'],
      ['root may all', 'put b v --user root:pw', 'OK'],
      ['roles are listed', 'role list --user root:pw', 'r\nroot'],
      [
        'a permission is revoked',
        'role revoke-permission r a/ --prefix=true --user root:pw',
        'Permission of range [a/, a0) is revoked from role r',
      ],
      ['and gone at once', 'put a/1 v --user u:secret', 'Error: etcdserver: permission denied'],
      ['a role is revoked', 'user revoke-role u r --user root:pw', 'Role r is revoked from user u'],
      [
        'a password is changed',
        'user passwd u --interactive=false --user root:pw',
        'Password updated',
        'other\n',
      ],
      [
        'the old one is refused',
        'get k --user u:secret',
        'Error: etcdserver: authentication failed, invalid user ID or password',
      ],
      ['root stays', 'user delete root --user root:pw', 'Error: etcdserver: invalid auth management'],
      ['a user is deleted', 'user delete u --user root:pw', 'User u deleted'],
      ['a role is deleted', 'role delete r --user root:pw', 'Role r deleted'],
      ['auth is turned off', 'auth disable --user root:pw', 'Authentication Disabled'],
      ['everybody may again', 'get b', 'b\nv'],
    ];
    for (const [what, args, want, input] of steps)
      test(`${what}: ${args}`, async () => {
        assert.equal(await etcdctl(args, input), want);
      });
  });
}
