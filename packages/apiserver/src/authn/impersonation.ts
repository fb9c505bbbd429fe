import { errors } from '@kubelab/api';
import type { ApiRequest } from '../core/messages.ts';
import {
  ANONYMOUS,
  GROUP_AUTHENTICATED,
  GROUP_SERVICE_ACCOUNTS,
  GROUP_UNAUTHENTICATED,
  serviceAccountOf,
  type User,
} from '../core/user.ts';
import type { AccessRequest, Authorizer } from '../authz/authorizer.ts';

const EXTRA_PREFIX = 'impersonate-extra-';

/**
 * Acts as somebody else when the headers ask for it and the user may: the verb `impersonate` on users,
 * groups, uids and extras.
 */
export async function impersonate(
  user: User,
  headers: ApiRequest['headers'],
  authorizer: Authorizer,
): Promise<User> {
  const name = headers['impersonate-user'];
  const groups = listOf(headers['impersonate-group']);
  const uid = headers['impersonate-uid'];
  const extra = extrasOf(headers);
  if (!name) {
    if (groups.length > 0 || uid || extra.length > 0) {
      throw errors.internalError('requested impersonation without impersonating a user');
    }
    return user;
  }
  const target: User = { name, groups, uid };
  const account = serviceAccountOf(target);
  if (account !== undefined) {
    await check(user, authorizer, {
      resource: 'serviceaccounts',
      namespace: account.namespace,
      name: account.name,
    });
  } else {
    await check(user, authorizer, { resource: 'users', name });
  }
  for (const group of groups) await check(user, authorizer, { resource: 'groups', name: group });
  if (uid) await check(user, authorizer, { group: 'authentication.k8s.io', resource: 'uids', name: uid });
  for (const [key, values] of extra) {
    for (const value of values) {
      await check(user, authorizer, {
        group: 'authentication.k8s.io',
        resource: 'userextras',
        subresource: key,
        name: value,
      });
    }
  }
  return {
    name,
    uid,
    groups: withImpliedGroups(target, account?.namespace),
    extra: Object.fromEntries(extra),
  };
}

/** Groups that come with the name, unless the request sets groups of its own. */
function withImpliedGroups({ name, groups }: User, serviceAccountNamespace: string | undefined): string[] {
  const all = [...groups];
  if (serviceAccountNamespace !== undefined && groups.length === 0) {
    all.push(GROUP_SERVICE_ACCOUNTS, `${GROUP_SERVICE_ACCOUNTS}:${serviceAccountNamespace}`);
  }
  const implied = name === ANONYMOUS ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED;
  if (!all.includes(GROUP_AUTHENTICATED) && !all.includes(GROUP_UNAUTHENTICATED)) all.push(implied);
  return all;
}

async function check(
  user: User,
  authorizer: Authorizer,
  what: Partial<AccessRequest> & { resource: string; name: string },
): Promise<void> {
  const request: AccessRequest = { ...IMPERSONATION, ...what, user };
  const { allowed, reason } = await authorizer.authorize(request);
  if (allowed) return;
  const where = `User ${JSON.stringify(user.name)} cannot impersonate resource "${what.resource}" in API group "${what.group ?? ''}"`;
  const scope = what.namespace ? ` in the namespace "${what.namespace}"` : ' at the cluster scope';
  const named = { group: what.group ?? '', resource: what.resource };
  throw errors.forbidden(named, what.name, `${where}${scope}${reason === '' ? '' : `: ${reason}`}`);
}

const IMPERSONATION = {
  isResource: true,
  verb: 'impersonate',
  group: '',
  version: '',
  subresource: '',
  namespace: '',
  path: '',
  selector: undefined,
} as const;

/** Repeated headers arrive joined by a comma. */
function listOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function extrasOf(headers: ApiRequest['headers']): [string, string[]][] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(EXTRA_PREFIX))
    .map(([name, value]) => [safeDecode(name.slice(EXTRA_PREFIX.length)), listOf(value)]);
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw errors.badRequest('an Impersonate-Extra header is not valid percent-encoding');
  }
}
