import type { Init } from '@kubelab/rpc';
import { DowngradeAction, type DowngradeRequest, type DowngradeResponse } from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import { header } from './header.ts';

/** The API is that of 3.5, and etcd goes back one minor version at a time. */
const CLUSTER_VERSION = '3.5.0';
const TARGET_VERSION = '3.4';

/**
 * Answers whether a downgrade would be valid as etcd 3.5 does. There is none to carry out: whoever wants an
 * older etcd takes a snapshot there. So none can be enabled, and none is ever in progress.
 */
export async function downgrade(
  member: Member,
  { action, version }: DowngradeRequest,
): Promise<Init<DowngradeResponse>> {
  switch (action) {
    case DowngradeAction.VALIDATE: {
      const target = clusterVersion(version);
      await member.linearize();
      if (target !== TARGET_VERSION) throw new EtcdError('invalidDowngradeTarget');
      return { header: header(member), version: CLUSTER_VERSION };
    }
    case DowngradeAction.ENABLE:
      clusterVersion(version);
      await member.linearize();
      throw new EtcdError('invalidDowngradeTarget');
    case DowngradeAction.CANCEL:
      await member.linearize();
      throw new EtcdError('noInflightDowngrade');
    default:
      throw new EtcdError('unknownMethod');
  }
}

/** Major and minor of `3.4` or `3.4.7`. */
function clusterVersion(text: string): string {
  const match = /^(\d+)\.(\d+)(\.\d+(-[\w.-]+)?(\+[\w.-]+)?)?$/.exec(text);
  if (match === null) throw new EtcdError('wrongDowngradeVersion');
  return `${Number(match[1])}.${Number(match[2])}`;
}
