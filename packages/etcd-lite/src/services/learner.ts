import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import type { Guard } from './routes.ts';

/**
 * CONF-6: what a learner answers: etcd's `isRPCSupportedForLearner`. It may be far behind, and nobody counts it: so it tells
 * about itself, serves its own state to those who ask for no more than that, and gives copies of it.
 */
export function learnerGuard({ membership }: Pick<Member, 'membership'>): Guard {
  return (request, call) => {
    if (membership.isLearner && !isSupported(call.path, request)) throw new EtcdError('learnerNotSupported');
  };
}

function isSupported(path: string, request: unknown): boolean {
  switch (path) {
    case '/etcdserverpb.Maintenance/Status':
    case '/etcdserverpb.Maintenance/Snapshot':
      return true;
    case '/etcdserverpb.KV/Range':
      return (request as { readonly serializable: boolean }).serializable;
    default:
      return false;
  }
}
