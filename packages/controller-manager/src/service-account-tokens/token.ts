import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** What a legacy token says: it never expires and lives as long as its Secret. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly serviceAccountUid: string;
  readonly secret: string;
}

/**
 * Signs tokens with the cluster's service-account key (RSA or P-256, PEM). Throws when the text is no such
 * key.
 */
export class TokenSigner {
  readonly #key: KeyObject;
  readonly #header: string;

  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    const der = createPublicKey(this.#key).export({ type: 'spki', format: 'der' });
    const kid = createHash('sha256').update(der).digest('base64url');
    this.#header = encode({ alg: this.#key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256', kid });
  }

  sign({ namespace, serviceAccount, serviceAccountUid, secret }: TokenSubject): string {
    const claims = {
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': secret,
      'kubernetes.io/serviceaccount/service-account.name': serviceAccount,
      'kubernetes.io/serviceaccount/service-account.uid': serviceAccountUid,
      sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    };
    const text = `${this.#header}.${encode(claims)}`;
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' as const };
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
