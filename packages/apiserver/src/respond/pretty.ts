import type { ApiRequest, ApiResponse } from '../core/messages.ts';
import { isTrue } from '../core/request-info.ts';

const PEOPLE = ['curl', 'Wget', 'Mozilla/5.0'];

/**
 * JSON is indented with `pretty=true`, and for clients that show it to people unless they say `pretty=false`;
 * errors too. Schemas are for programs alone.
 */
export function prettyWhereWanted(request: ApiRequest, response: ApiResponse): ApiResponse {
  if (response.kind !== 'body' || response.body.length === 0 || !wantsPretty(request)) return response;
  if (response.headers['content-type']?.startsWith('application/json') !== true) return response;
  const object: unknown = JSON.parse(Buffer.from(response.body).toString('utf8'));
  return { ...response, body: Buffer.from(`${JSON.stringify(object, null, 2)}\n`) };
}

function wantsPretty({ path, query, headers }: ApiRequest): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return isTrue(asked);
  const agent = headers['user-agent'] ?? '';
  return !path.startsWith('/openapi/') && PEOPLE.some((name) => agent.startsWith(name));
}
