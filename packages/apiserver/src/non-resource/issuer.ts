import type { ServiceAccountTokens } from '../authn/service-account.ts';
import { jsonBody } from '../respond/body.ts';
import type { NonResourceRoute } from './handler.ts';

/** What others need to check our service account tokens (OpenID discovery). */
export function issuerRoutes(
  tokens: ServiceAccountTokens,
  issuer: string,
  serverAddress: () => string,
): NonResourceRoute[] {
  return [
    {
      path: '/.well-known/openid-configuration',
      handle: () =>
        jsonBody(200, {
          issuer,
          jwks_uri: `https://${serverAddress()}/openid/v1/jwks`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: tokens.algorithms,
        }),
    },
    {
      path: '/openid/v1/jwks',
      handle: async () => jsonBody(200, await tokens.jwks(), { contentType: 'application/jwk-set+json' }),
    },
  ];
}
