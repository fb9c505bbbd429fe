import { ETCD_VERSION } from '../services/maintenance.ts';
import { type HttpHandler, refuseMethod } from './message.ts';

/** The cluster's version is what all its members can do: here that is one and the same. */
export const CLUSTER_VERSION = ETCD_VERSION.replace(/\.\d+$/, '.0');

export const versionHandler: HttpHandler = (request) =>
  refuseMethod(request, 'GET') ?? {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ etcdserver: ETCD_VERSION, etcdcluster: CLUSTER_VERSION }),
  };
