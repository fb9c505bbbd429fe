/** Who asks (upstream: `user.Info`). */
export interface User {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export const ANONYMOUS = 'system:anonymous';
export const GROUP_MASTERS = 'system:masters';
export const GROUP_AUTHENTICATED = 'system:authenticated';
export const GROUP_UNAUTHENTICATED = 'system:unauthenticated';
export const GROUP_NODES = 'system:nodes';
export const GROUP_SERVICE_ACCOUNTS = 'system:serviceaccounts';

export const anonymous: User = { name: ANONYMOUS, groups: [GROUP_UNAUTHENTICATED] };

/** With the group that everyone who proved who they are belongs to. */
export function authenticated(user: User): User {
  if (user.groups.includes(GROUP_AUTHENTICATED)) return user;
  return { ...user, groups: [...user.groups, GROUP_AUTHENTICATED] };
}

const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';
const NODE_PREFIX = 'system:node:';

export function serviceAccountUserName(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`;
}

/** undefined when the user is no service account. */
export function serviceAccountOf(
  user: User,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.name.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const [namespace, name, ...rest] = user.name.slice(SERVICE_ACCOUNT_PREFIX.length).split(':');
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}

/** The node's name when the user is a kubelet: by group *and* name, so that neither alone will do. */
export function nodeOf(user: User): string | undefined {
  if (!user.groups.includes(GROUP_NODES) || !user.name.startsWith(NODE_PREFIX)) return undefined;
  const node = user.name.slice(NODE_PREFIX.length);
  return node === '' ? undefined : node;
}
