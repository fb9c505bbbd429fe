import { createHash, type KeyObject } from 'node:crypto';
import type { JWTPayload } from 'jose';

export type Algorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

export interface VerificationKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

export function verificationKey(key: KeyObject): VerificationKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { id: createHash('sha256').update(der).digest('base64url'), key, algorithm: algorithmOf(key) };
}

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case 'prime256v1':
      return 'ES256';
    case 'secp384r1':
      return 'ES384';
    case 'secp521r1':
      return 'ES512';
    default:
      throw new Error('service account keys must be RSA or ECDSA');
  }
}

/**
 * The claims of a token that one of the keys has signed and whose time is now; undefined for any other.
 * The key decides the algorithm (S1).
 */
export async function verifyToken(
  keys: readonly VerificationKey[],
  token: string,
  demands: { readonly issuer: string; readonly requiredClaims: string[]; readonly nowMs: number },
): Promise<JWTPayload | undefined> {
  const { decodeProtectedHeader, jwtVerify, errors } = await import('jose');
  try {
    const { kid } = decodeProtectedHeader(token);
    const { issuer, requiredClaims, nowMs } = demands;
    for (const { key, algorithm } of keys.filter(({ id }) => kid === undefined || id === kid)) {
      try {
        const currentDate = new Date(nowMs);
        return (await jwtVerify(token, key, { issuer, requiredClaims, algorithms: [algorithm], currentDate }))
          .payload;
      } catch (error) {
        // With a key id there is one candidate; without, the next may fit.
        if (!(error instanceof errors.JOSEError)) throw error;
      }
    }
    return undefined;
  } catch (error) {
    // Whatever is no token is not one of ours.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)
      return undefined;
    throw error;
  }
}
