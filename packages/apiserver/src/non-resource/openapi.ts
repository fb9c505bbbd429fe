import { body, jsonBody } from '../respond/body.ts';
import type { NonResourceRoute } from './handler.ts';

const IMMUTABLE_SECONDS = 31_536_000;

/**
 * `/openapi/v3`: an index, and one document a group version; `/openapi/v2`: one document. Built when first
 * asked for: few clients ever do.
 */
export function openapiRoutes(clock: { now(): number }): NonResourceRoute[] {
  const documents = new Map<string, object>();
  let protobufV2: Buffer | undefined;
  return [
    {
      path: '/openapi/v2',
      handle: async ({ headers }) => {
        const { encodeDocumentV2, openapiV2, V2_PROTOBUF } = await import('@kubelab/api/server');
        // kubectl still spells the version with an `@`, which media types may not have.
        const isProtobuf = headers.accept?.replace('v2@v1', 'v2.v1').includes(V2_PROTOBUF) === true;
        if (!isProtobuf) return jsonBody(200, openapiV2());
        return body(200, V2_PROTOBUF, (protobufV2 ??= encodeDocumentV2(openapiV2())));
      },
    },
    {
      path: '/openapi/v3',
      below: true,
      handle: async (request, info) => {
        const { openapiV3, openapiV3Hash, openapiV3Index } = await import('@kubelab/api/server');
        if (info.path === '/openapi/v3') return jsonBody(200, openapiV3Index());
        const path = info.path.slice('/openapi/v3/'.length);
        const document = documents.get(path) ?? openapiV3(path);
        if (document === undefined) return undefined;
        documents.set(path, document);
        const hash = openapiV3Hash(path);
        const response = jsonBody(200, document);
        const etag = `"${hash}"`;
        if (request.headers['if-none-match'] === etag)
          return { ...response, code: 304, body: Buffer.alloc(0) };
        // Who names the hash may keep the document for good.
        const isPinned = request.query.get('hash') === hash;
        const expires = new Date(clock.now() + IMMUTABLE_SECONDS * 1000).toUTCString();
        const caching = isPinned ? { 'cache-control': 'public, immutable', expires } : {};
        return { ...response, headers: { ...response.headers, etag, vary: 'Accept', ...caching } };
      },
    },
  ];
}
