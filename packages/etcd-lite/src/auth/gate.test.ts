import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import type { Init } from '@kubelab/rpc';
import { bytesOf, PermissionType } from '@kubelab/rpc/etcd';
import { StateMachine } from '../core/state-machine.ts';
import { type InternalRequest, internalRequestCodec } from '../wire.ts';
import { AuthGate, type Credentials, type GatedMember } from './gate.ts';
import { JwtTokens } from './jwt-tokens.ts';
import type { Passwords } from './passwords.ts';
import { SimpleTokens } from './simple-tokens.ts';

type Body = Parameters<GatedMember['propose']>[0];

/** The hash of a password is the password. */
class PlainPasswords implements Passwords {
  /** What happens while a password is compared. */
  meanwhile = (): void => undefined;
  hash(password: string): Promise<string> {
    return Promise.resolve(password);
  }
  matches(password: string, hash: Uint8Array): Promise<boolean> {
    const isRight = hash.length > 0 && Buffer.from(hash).toString() === password;
    this.meanwhile();
    return Promise.resolve(isRight);
  }
  stop(): void {}
}

/** A member whose log is applied at once. */
class World implements GatedMember {
  readonly machine = new StateMachine();
  readonly options = { log: silentLogger };
  readonly passwords = new PlainPasswords();
  readonly clock = new FakeClock();
  readonly gate: AuthGate;
  applied = 10;
  foundTo = 0;
  /** Entries that a linearizable read makes this member apply: it is behind by them. */
  readonly behind: (() => void)[] = [];
  /** What gets into the log before the next proposal. */
  before: (() => void) | undefined;

  constructor(kind: 'simple' | 'jwt' = 'simple', trustsCertificates = false) {
    const secret = createSecretKey(Buffer.alloc(64, 1));
    const tokens =
      kind === 'simple'
        ? new SimpleTokens({ clock: this.clock, random: seededRandom(1), ttlMs: 1000 })
        : new JwtTokens({
            clock: this.clock,
            algorithm: 'HS256',
            signKey: secret,
            verifyKey: secret,
            ttlMs: 1e6,
          });
    this.gate = new AuthGate(this, { tokens, passwords: this.passwords, trustsCertificates });
    for (const name of ['root', 'u']) this.log({ userAdd: { name, hashedPassword: base64(name) } });
    this.log({ userGrantRole: { user: 'root', role: 'root' } });
    this.log({ roleAdd: { name: 'r' } });
    this.log({ userGrantRole: { user: 'u', role: 'r' } });
    const perm = { permType: PermissionType.WRITE, key: bytesOf('k') };
    this.log({ roleGrantPermission: { name: 'r', perm } });
    this.log({ enable: {} });
  }

  /** An entry from elsewhere, on root's behalf. */
  log(auth: Init<NonNullable<InternalRequest['auth']>>): void {
    this.#apply({ auth, header: this.gate.asRoot() });
  }
  linearize(): Promise<void> {
    for (const catchUp of this.behind.splice(0)) catchUp();
    return Promise.resolve();
  }
  propose(body: Body): Promise<Init<object>> {
    this.before?.();
    this.before = undefined;
    const { error, response } = this.#apply(body);
    return error === undefined ? Promise.resolve(response ?? {}) : Promise.reject(error);
  }
  #apply(body: Body): NonNullable<ReturnType<StateMachine['apply']>> {
    const bytes = internalRequestCodec.encode({ proposer: 'm', id: 1, term: 1, ...body });
    const request = internalRequestCodec.decode(bytes);
    this.applied += 1;
    const applied = this.machine.apply(request, 1, this.applied);
    assert.ok(applied);
    this.gate.changed(request.auth, applied);
    return applied;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
function call(headers: Readonly<Record<string, string>>, clientCommonName?: string): Credentials {
  return { header: (name) => headers[name], clientCommonName };
}
const put: Body = { put: { key: bytesOf('k') } };

describe('who asks', () => {
  let world: World;
  let token: string;
  beforeEach(async () => {
    world = new World();
    token = (await world.gate.authenticate({ name: 'u', password: 'u' })).token ?? '';
  });

  test('is told by the token, under any of its names', async () => {
    const { revision } = world.gate.store;
    for (const headers of [{ token }, { authorization: token }, { authorization: `Bearer ${token}` }])
      assert.deepEqual(await world.gate.identify(call(headers)), { username: 'u', authRevision: revision });
    await assert.rejects(world.gate.identify(call({ token: 'abc.1' })), {
      message: 'etcdserver: invalid auth token',
    });
    assert.equal(await world.gate.identify(call({})), undefined);
  });

  test('is not asked while auth is off, and no token outlives that (AUTH-4)', async () => {
    world.log({ disable: {} });
    assert.equal(await world.gate.identify(call({ token: 'abc.1' })), undefined);
    await assert.rejects(world.gate.authenticate({ name: 'u', password: 'u' }), /is not enabled/);
    world.log({ enable: {} });
    await assert.rejects(world.gate.identify(call({ token })), /invalid auth token/);
  });

  test('AUTH-4 is unknown again after the user has another password, is gone, or a snapshot came', async () => {
    world.log({ userChangePassword: { name: 'u', hashedPassword: base64('new') } });
    await assert.rejects(world.gate.identify(call({ token })), /invalid auth token/);
    await assert.rejects(world.gate.authenticate({ name: 'u', password: 'u' }), /authentication failed/);
    const again = (await world.gate.authenticate({ name: 'u', password: 'new' })).token ?? '';
    world.gate.restored();
    await assert.rejects(world.gate.identify(call({ token: again })), /invalid auth token/);
    const third = (await world.gate.authenticate({ name: 'u', password: 'new' })).token ?? '';
    world.log({ userDelete: { name: 'u' } });
    await assert.rejects(world.gate.identify(call({ token: third })), /invalid auth token/);
  });

  test('a token that another member gave is waited for', async () => {
    const index = world.applied + 1;
    world.behind.push(() => world.log({ authenticate: { name: 'u', tokenPrefix: 'elsewhere' } }));
    const who = await world.gate.identify(call({ token: `elsewhere.${index}` }));
    assert.equal(who?.username, 'u');
  });

  test("is told by a verified certificate where it counts, but not by the gateway's, nor before a token", async () => {
    const trusting = new World('simple', true);
    assert.equal((await trusting.gate.identify(call({}, 'u')))?.username, 'u');
    assert.equal(await trusting.gate.identify(call({ 'grpcgateway-accept': '*/*' }, 'u')), undefined);
    await assert.rejects(trusting.gate.identify(call({ token: 'abc.1' }, 'u')), /invalid auth token/);
    assert.equal(await world.gate.identify(call({}, 'u')), undefined);
  });

  test('root and user are told apart, and nobody from both', async () => {
    const root = (await world.gate.authenticate({ name: 'root', password: 'root' })).token ?? '';
    await world.gate.requireRoot(call({ token: root }));
    await world.gate.requireUser(call({ token }));
    await assert.rejects(world.gate.requireRoot(call({ token })), /permission denied/);
    await assert.rejects(world.gate.requireUser(call({})), /user name is empty/);
    await assert.rejects(world.gate.requireRoot(call({})), /user name is empty/);
  });
});

describe('a password', () => {
  test('that is wrong, of nobody, or of a user without one, gives no token', async () => {
    const { gate } = new World();
    for (const [name, password] of [
      ['u', 'x'],
      ['nobody', 'u'],
      ['u', ''],
    ] as const)
      await assert.rejects(gate.authenticate({ name, password }), {
        message: 'etcdserver: authentication failed, invalid user ID or password',
      });
  });

  test('of a user who has none is refused in other words, as in etcd', async () => {
    const world = new World();
    world.log({ userAdd: { name: 'cn', options: { noPassword: true } } });
    await assert.rejects(world.gate.authenticate({ name: 'cn', password: 'x' }), {
      message: 'auth: authentication failed, password was given for no password user',
    });
  });

  test('AUTH-4 that is changed while it is compared gives no token', async () => {
    const world = new World();
    world.passwords.meanwhile = () => {
      world.passwords.meanwhile = () => undefined;
      world.log({ userChangePassword: { name: 'u', hashedPassword: base64('new') } });
    };
    await assert.rejects(world.gate.authenticate({ name: 'u', password: 'u' }), /authentication failed/);
  });
});

describe('a write on the way while users change', () => {
  test('AUTH-3 is tried again under the new revision, and refused if the user may not any more', async () => {
    const world = new World();
    const { token = '' } = await world.gate.authenticate({ name: 'u', password: 'u' });
    world.before = () => world.log({ roleAdd: { name: 'other' } });
    await world.gate.propose(put, call({ token }));
    assert.equal(world.machine.store.revision, 2);
    world.before = () => world.log({ roleRevokePermission: { role: 'r', key: bytesOf('k') } });
    await assert.rejects(world.gate.propose(put, call({ token })), /permission denied/);
    assert.equal(world.machine.store.revision, 2);
  });

  test('AUTH-3 is left to the client where a signed token stays at the old revision', async () => {
    const world = new World('jwt');
    const { token = '' } = await world.gate.authenticate({ name: 'u', password: 'u' });
    await world.gate.propose(put, call({ token }));
    world.log({ roleAdd: { name: 'other' } });
    await assert.rejects(world.gate.propose(put, call({ token })), {
      message: 'etcdserver: revision of auth store is old',
    });
  });

  test('is refused where auth was turned on meanwhile and nobody said who asks', async () => {
    const world = new World();
    world.log({ disable: {} });
    world.before = () => world.log({ enable: {} });
    await assert.rejects(world.gate.propose(put, call({})), /user name is empty/);
  });
});
