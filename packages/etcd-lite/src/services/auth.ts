import { type Init, RpcError, StatusCode } from '@kubelab/rpc';
import {
  type AuthenticateRequest,
  type AuthenticateResponse,
  type AuthNameRequest,
  type AuthResponse,
  type AuthRoleGetResponse,
  type AuthRoleListResponse,
  type AuthRoleRequest,
  type AuthStatusResponse,
  type AuthUserAddRequest,
  type AuthUserChangePasswordRequest,
  type AuthUserGetResponse,
  type AuthUserListResponse,
  PermissionType,
} from '@kubelab/rpc/etcd';
import { type Credentials, POLICY } from '../auth/index.ts';
import { ROOT } from '../core/auth/auth-store.ts';
import { checkRoot } from '../core/auth/check-access.ts';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import type { AuthChange, AuthInfo } from '../wire.ts';
import { header, withHeader } from './header.ts';
import type { Guard } from './routes.ts';

type Call = Credentials | undefined;

/**
 * etcd's Auth service. What changes something goes through the log, where it is also decided whether the caller
 * may; what only asks is answered from local state that is as new as the question.
 */
export function authService(member: Member) {
  const { auth: gate } = member;

  /** The RPC whose request is the change itself. */
  const change =
    <K extends keyof AuthChange>(kind: K) =>
    (request: NonNullable<AuthChange[K]>, call?: Call): Promise<Init<AuthResponse>> =>
      propose({ [kind]: request }, call);

  async function propose(auth: Init<AuthChange>, call: Call): Promise<Init<AuthResponse>> {
    return withHeader(member, await gate.propose({ auth }, call));
  }

  async function status(_request: object, call?: Call): Promise<Init<AuthStatusResponse>> {
    await caller(call);
    const { enabled, revision } = gate.store;
    return { header: header(member), enabled, authRevision: revision };
  }

  async function authenticate(request: AuthenticateRequest): Promise<Init<AuthenticateResponse>> {
    const { token } = await gate.authenticate(request);
    return { header: header(member), token };
  }

  async function userAdd(request: AuthUserAddRequest, call?: Call): Promise<Init<AuthResponse>> {
    const { name, password, options } = request;
    const hashedPassword = options?.noPassword === true ? '' : await hash(password, call);
    return propose({ userAdd: { name, options, hashedPassword } }, call);
  }

  async function userChangePassword(
    { name, password, hashedPassword }: AuthUserChangePasswordRequest,
    call?: Call,
  ): Promise<Init<AuthResponse>> {
    if (password === '' && !isBase64(hashedPassword)) {
      const text = 'auth: authentication failed, password was given for no password user';
      throw new RpcError(StatusCode.UNKNOWN, text);
    }
    const ready = password === '' ? hashedPassword : await hash(password, call);
    return propose({ userChangePassword: { name, hashedPassword: ready } }, call);
  }

  async function userGet({ name }: AuthNameRequest, call?: Call): Promise<Init<AuthUserGetResponse>> {
    const who = await caller(call);
    // Everybody may know their own roles.
    if (name !== who.username) checkRoot(gate.store, who);
    const user = gate.store.user(name);
    if (user === undefined) throw new EtcdError('userNotFound');
    return { header: header(member), roles: user.roles };
  }

  async function userList(_request: object, call?: Call): Promise<Init<AuthUserListResponse>> {
    checkRoot(gate.store, await caller(call));
    return { header: header(member), users: gate.store.userNames() };
  }

  async function roleGet({ role: name }: AuthRoleRequest, call?: Call): Promise<Init<AuthRoleGetResponse>> {
    const who = await caller(call);
    // Everybody may know what their own roles allow.
    if (!gate.store.hasRole(who.username, name)) checkRoot(gate.store, who);
    const role = gate.store.role(name);
    if (role === undefined) throw new EtcdError('roleNotFound');
    return { header: header(member), perm: name === ROOT ? [EVERYTHING] : role.permissions };
  }

  async function roleList(_request: object, call?: Call): Promise<Init<AuthRoleListResponse>> {
    checkRoot(gate.store, await caller(call));
    return { header: header(member), roles: gate.store.roleNames() };
  }

  /** Who asks, and everything that was acknowledged before they asked is known here. */
  async function caller(call: Call): Promise<AuthInfo> {
    await member.linearize();
    return gate.who(call);
  }

  /**
   * Here, and not where it is applied, because it takes long, and because the log must not hold passwords. Not for
   * everybody, as it takes long.
   */
  async function hash(password: string, call: Call): Promise<string> {
    await gate.requireRoot(call);
    return Buffer.from(await gate.passwords.hash(password)).toString('base64');
  }

  return {
    AuthEnable: change('enable'),
    AuthDisable: change('disable'),
    AuthStatus: status,
    Authenticate: authenticate,
    UserAdd: userAdd,
    UserGet: userGet,
    UserList: userList,
    UserDelete: change('userDelete'),
    UserChangePassword: userChangePassword,
    UserGrantRole: change('userGrantRole'),
    UserRevokeRole: change('userRevokeRole'),
    RoleAdd: change('roleAdd'),
    RoleGet: roleGet,
    RoleList: roleList,
    RoleDelete: change('roleDelete'),
    RoleGrantPermission: change('roleGrantPermission'),
    RoleRevokePermission: change('roleRevokePermission'),
  };
}

/** Turns away whoever an RPC is not for, whatever they ask. */
export function authGuard({ auth }: Member): Guard {
  return (_request, call) => {
    const whom = auth.isEnabled ? POLICY[call.path] : undefined;
    if (whom === undefined) return undefined;
    return whom === 'root' ? auth.requireRoot(call) : auth.requireUser(call).then(() => undefined);
  };
}

/** What the root role allows, whatever was granted to it. */
const EVERYTHING = {
  permType: PermissionType.READWRITE,
  key: new Uint8Array(),
  rangeEnd: Uint8Array.of(0),
};

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}
