import type { Logger } from '@kubelab/component-base';
import { type Init, RpcError, StatusCode } from '@kubelab/rpc';
import type { AuthenticateRequest } from '@kubelab/rpc/etcd';
import type { AuthStore } from '../core/auth/auth-store.ts';
import { ROOT } from '../core/auth/auth-store.ts';
import { checkRoot, NOBODY } from '../core/auth/check-access.ts';
import { EtcdError } from '../core/errors.ts';
import type { Applied } from '../core/state-machine.ts';
import type { AuthInfo, InternalRequest } from '../wire.ts';
import type { Passwords } from './passwords.ts';
import type { TokenProvider } from './token-provider.ts';

export interface AuthOptions {
  readonly tokens: TokenProvider;
  readonly passwords: Passwords;
  /** A verified client certificate's common name says who asks: etcd's `--client-cert-auth`. */
  readonly trustsCertificates: boolean;
}

/** What a call shows of its caller. */
export interface Credentials {
  header(name: string): string | undefined;
  readonly clientCommonName?: string | undefined;
}

/** The member as the gate needs it. */
export interface GatedMember {
  readonly machine: { readonly state: { readonly auth: AuthStore } };
  readonly applied: number;
  /** Log entries up to this one were there when it started: how long ago they were written nobody knows. */
  readonly foundTo: number;
  readonly options: { readonly log: Logger };
  linearize(): Promise<void>;
  propose(body: Body): Promise<Init<object>>;
}

type Body = Omit<Init<InternalRequest>, 'proposer' | 'id' | 'term'>;

/**
 * Finds out who asks, and stamps what is proposed with it. What they may do is decided where it is done: in
 * `apply`, or where local state is read.
 */
export class AuthGate {
  readonly #member: GatedMember;
  readonly #options: AuthOptions;

  constructor(member: GatedMember, options: AuthOptions) {
    this.#member = member;
    this.#options = options;
  }

  /** While it is off, nobody needs to ask who somebody is. */
  get isEnabled(): boolean {
    return this.store.enabled;
  }
  get store(): AuthStore {
    return this.#member.machine.state.auth;
  }
  get passwords(): Passwords {
    return this.#options.passwords;
  }

  /**
   * Who asks: the owner of the token in `token` or `authorization`, else the certificate's user. Undefined:
   * they do not say. Throws where the token is not good.
   */
  async identify(call: Credentials | undefined): Promise<AuthInfo | undefined> {
    if (!this.isEnabled || call === undefined) return undefined;
    const shown = call.header('token') ?? call.header('authorization');
    if (shown === undefined) return this.#byCertificate(call);
    const token = shown.startsWith('Bearer ') ? shown.slice('Bearer '.length) : shown;
    const known = (await this.#owner(token)) ?? (await this.#ownerWhenApplied(token));
    if (known === undefined) throw new EtcdError('invalidAuthToken');
    return known;
  }

  /** As `identify`; for checks that say by themselves that a user is missing. */
  async who(call: Credentials | undefined): Promise<AuthInfo> {
    return (await this.identify(call)) ?? NOBODY;
  }

  async requireUser(call: Credentials | undefined): Promise<AuthInfo> {
    const who = await this.identify(call);
    if (who === undefined && this.isEnabled) throw new EtcdError('userEmpty');
    return who ?? NOBODY;
  }

  async requireRoot(call: Credentials | undefined): Promise<void> {
    if (this.isEnabled) checkRoot(this.store, await this.who(call));
  }

  /** On the caller's behalf. */
  propose(body: Body, call: Credentials | undefined): Promise<Init<object>> {
    return this.isEnabled ? this.#proposeAs(body, call) : this.#member.propose(body);
  }

  async #proposeAs(body: Body, call: Credentials | undefined): Promise<Init<object>> {
    let header = await this.identify(call);
    for (;;) {
      try {
        return await this.#member.propose(header === undefined ? body : { ...body, header });
      } catch (error) {
        if (!(error instanceof EtcdError) || error.reason !== 'authOldRevision') throw error;
        // Users or roles changed while it was under way. Whoever is still known may try again; a signed token
        // stays as old as it is.
        const now = await this.identify(call);
        if (now === undefined || now.authRevision <= (header?.authRevision ?? 0)) throw error;
        header = now;
      }
    }
  }

  /** For what the member does by itself while auth is on. */
  asRoot(): AuthInfo | null {
    return this.isEnabled ? { username: ROOT, authRevision: this.store.revision } : null;
  }

  /** The token for a name and a password. */
  async authenticate({ name, password }: AuthenticateRequest): Promise<Init<{ token: string }>> {
    const { tokens, passwords } = this.#options;
    await this.#member.linearize();
    for (;;) {
      if (!this.isEnabled) throw new EtcdError('authNotEnabled');
      const user = this.store.user(name);
      if (user === undefined) throw new EtcdError('authFailed');
      if (user.noPassword) {
        throw new RpcError(
          StatusCode.UNKNOWN,
          'auth: authentication failed, password was given for no password user',
        );
      }
      const { revision } = this.store;
      if (!(await passwords.matches(password, user.passwordHash))) {
        this.#member.options.log.warn('a wrong password', { user: name });
        throw new EtcdError('authFailed');
      }
      const authenticate = { name, tokenPrefix: tokens.newPrefix() };
      const response: { token?: string } = await this.#member.propose({ auth: { authenticate } });
      // Else what the password was compared with may be another's by now: once more.
      if (this.store.revision === revision)
        return { ...response, token: await tokens.issue(name, revision, response.token ?? '') };
    }
  }

  // ---- what the member tells ----

  /** An entry about users or roles was applied. */
  changed(change: InternalRequest['auth'], applied: Applied): void {
    if (change === null || applied.error !== undefined) return;
    const { tokens } = this.#options;
    if (change.authenticate !== null) {
      const { token = '' } = applied.response as { token?: string };
      // A token from before the start may have run out meanwhile: it must not be good again (AUTH-4).
      const isNew = this.#member.applied > this.#member.foundTo;
      if (isNew && change.authenticate.tokenPrefix !== '') tokens.assigned(token, change.authenticate.name);
    }
    if (change.userDelete !== null) tokens.forgetUser(change.userDelete.name);
    if (change.userChangePassword !== null) tokens.forgetUser(change.userChangePassword.name);
    if (change.disable !== null) tokens.forgetAll();
  }

  /** The state was replaced: whose passwords changed meanwhile is not known. */
  restored(): void {
    this.#options.tokens.forgetAll();
  }

  stop(): void {
    this.#options.passwords.stop();
  }

  #owner(token: string): Promise<AuthInfo | undefined> {
    return this.#options.tokens.identify(token, this.store.revision);
  }

  /** Another member gave it, and this one is behind. */
  async #ownerWhenApplied(token: string): Promise<AuthInfo | undefined> {
    const entry = this.#options.tokens.entryOf(token);
    if (entry === undefined || entry <= this.#member.applied) return undefined;
    await this.#member.linearize();
    return this.#owner(token);
  }

  #byCertificate(call: Credentials): AuthInfo | undefined {
    if (!this.#options.trustsCertificates || call.clientCommonName === undefined) return undefined;
    // The gateway calls with the server's own certificate, which says nothing of who asks.
    if (call.header('grpcgateway-accept') !== undefined) return undefined;
    return { username: call.clientCommonName, authRevision: this.store.revision };
  }
}
