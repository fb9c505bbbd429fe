import { createHash } from 'node:crypto';
import { errors } from '@kubelab/api';
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from '@kubelab/api/server';
import { type MediaType, parseMediaType } from '../core/media-type.ts';
import type { ApiRequest, BodyResponse } from '../core/messages.ts';
import { jsonBody } from '../respond/body.ts';
import type { NonResourceRoute } from './handler.ts';

/**
 * `/api`, `/apis` and what lies right below: plain lists, or everything in one document for those who ask for
 * it.
 */
export function discoveryRoutes(serverAddress: () => string): NonResourceRoute[] {
  const documents = new Map<string, Aggregated>();
  const aggregated = (
    door: 'core' | 'apis',
    version: 'v2' | 'v2beta1',
    request: ApiRequest,
  ): BodyResponse => {
    const key = `${door} ${version}`;
    const document = documents.get(key) ?? aggregate(door, version);
    documents.set(key, document);
    return conditional(document, request);
  };
  const root = (door: 'core' | 'apis', plain: () => object) => (request: ApiRequest) => {
    const version = aggregatedVersion(request.headers['accept']);
    return version === undefined ? withVary(jsonBody(200, plain())) : aggregated(door, version, request);
  };
  return [
    { path: '/api', handle: root('core', () => apiVersions(serverAddress())) },
    { path: '/apis', handle: root('apis', () => apiGroupList()) },
    { path: '/api', below: true, handle: (_request, info) => listOf(info.path.slice('/api/'.length)) },
    { path: '/apis', below: true, handle: (_request, info) => belowApis(info.path.slice('/apis/'.length)) },
  ];
}

interface Aggregated {
  readonly contentType: string;
  readonly etag: string;
  readonly body: Buffer;
}

function aggregate(door: 'core' | 'apis', version: 'v2' | 'v2beta1'): Aggregated {
  const body = Buffer.from(JSON.stringify(aggregatedDiscovery(door, version)));
  const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return { contentType, etag, body };
}

function conditional({ contentType, etag, body }: Aggregated, request: ApiRequest): BodyResponse {
  const headers = { 'content-type': contentType, etag, vary: 'Accept' };
  const isKnown = request.headers['if-none-match'] === etag;
  return {
    kind: 'body',
    code: isKnown ? 304 : 200,
    headers,
    body: isKnown ? Buffer.alloc(0) : body,
    warnings: [],
  };
}

function belowApis(rest: string): BodyResponse {
  if (rest.includes('/')) return listOf(rest);
  const group = apiGroup(rest);
  if (group === undefined) throw errors.noSuchPath();
  return jsonBody(200, group);
}

function listOf(apiVersion: string): BodyResponse {
  const list = apiResourceList(apiVersion);
  if (list === undefined) throw errors.noSuchPath();
  return jsonBody(200, list);
}

function withVary(response: BodyResponse): BodyResponse {
  return { ...response, headers: { ...response.headers, vary: 'Accept' } };
}

/** The first acceptable form decides; plain JSON means the older lists. */
function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const clause of (accept ?? '').split(',').slice(0, 32)) {
    const media: MediaType = parseMediaType(clause);
    if (media.type !== 'application/json') continue;
    if (media.params['as'] === undefined) return undefined;
    const version = media.params['v'];
    const isDiscovery =
      media.params['as'] === 'APIGroupDiscoveryList' && media.params['g'] === 'apidiscovery.k8s.io';
    if (isDiscovery && (version === 'v2' || version === 'v2beta1')) return version;
  }
  return undefined;
}
