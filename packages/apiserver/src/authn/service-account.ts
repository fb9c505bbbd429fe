import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Node, Pod, Secret, ServiceAccount, type KubeObject, type ResourceType } from '@kubelab/api';
import type { Clock, Random } from '@kubelab/component-base';
import { GROUP_SERVICE_ACCOUNTS, serviceAccountUserName, type User } from '../core/user.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';
import { type VerificationKey, verificationKey, verifyToken } from './token-keys.ts';

/** The private claims of a bound token. */
export interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: Named;
  readonly pod?: Named | undefined;
  readonly node?: Named | undefined;
  readonly secret?: Named | undefined;
}

export interface Named {
  readonly name: string;
  readonly uid: string;
}

export interface ServiceAccountTokensOptions {
  readonly issuer: string;
  /** PEM of the key that signs. */
  readonly signingKey: string | Buffer;
  /** PEM of the keys that verify: the signing key's own, and older ones. */
  readonly publicKeys: readonly (string | Buffer)[];
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly random: Random;
}

/** A pod that is being deleted keeps its token for a moment, so that it can say goodbye. */
const DELETION_LEEWAY_MS = 60_000;

/**
 * Tokens of service accounts, signed by the API server and bound to live objects.
 * Invariants
 *   S1  the key decides the algorithm, never the token
 *   S3  a token dies with its service account and with the pod it is bound to; a namesake does not revive it
 */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  readonly #signing: VerificationKey;
  readonly #keys: readonly VerificationKey[];

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    const key = createPrivateKey(options.signingKey);
    const own = verificationKey(createPublicKey(key));
    this.#signing = { ...own, key };
    const others = options.publicKeys.map((pem) => verificationKey(createPublicKey(pem)));
    this.#keys = [own, ...others.filter(({ id }) => id !== own.id)];
  }

  async issue(
    claims: KubernetesClaims,
    audiences: readonly string[],
    seconds: number,
  ): Promise<{ token: string; expiresMs: number }> {
    const { SignJWT } = await import('jose');
    const nowSeconds = Math.floor(this.#options.clock.now() / 1000);
    const expires = nowSeconds + seconds;
    const { namespace, serviceaccount } = claims;
    const token = await new SignJWT({ 'kubernetes.io': claims })
      .setProtectedHeader({ alg: this.#signing.algorithm, kid: this.#signing.id })
      .setIssuer(this.#options.issuer)
      .setSubject(serviceAccountUserName(namespace, serviceaccount.name))
      .setAudience([...audiences])
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(expires)
      .setJti(this.#options.random.uuid())
      .sign(this.#signing.key);
    return { token, expiresMs: expires * 1000 };
  }

  async authenticate(token: string, audiences: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const verified = await this.#verify(token);
    if (verified === undefined) return undefined;
    const good = audiences.filter((audience) => verified.audiences.includes(audience));
    if (good.length === 0) return undefined;
    const { claims } = verified;
    if (verified.subject !== serviceAccountUserName(claims.namespace, claims.serviceaccount.name))
      return undefined;
    if (!(await this.#isAlive(claims))) return undefined;
    return { user: userOf(claims, verified.id), audiences: good };
  }

  /** `/openid/v1/jwks`. */
  async jwks(): Promise<object> {
    const { exportJWK } = await import('jose');
    const keys = await Promise.all(
      this.#keys.map(async ({ id, key, algorithm }) => ({
        use: 'sig',
        ...(await exportJWK(key)),
        kid: id,
        alg: algorithm,
      })),
    );
    return { keys };
  }

  get algorithms(): string[] {
    return [...new Set(this.#keys.map(({ algorithm }) => algorithm))];
  }

  async #verify(token: string) {
    const payload = await verifyToken(this.#keys, token, {
      issuer: this.#options.issuer,
      requiredClaims: ['exp', 'aud', 'sub'],
      nowMs: this.#options.clock.now(),
    });
    const claims = kubernetesClaims(payload?.['kubernetes.io']);
    if (payload === undefined || claims === undefined) return undefined;
    const audiences = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []);
    return { claims, audiences, subject: payload.sub ?? '', id: payload.jti };
  }

  async #isAlive({ namespace, serviceaccount, pod, secret, node }: KubernetesClaims): Promise<boolean> {
    return (
      (await this.#lives(ServiceAccount, `${namespace}/${serviceaccount.name}`, serviceaccount)) &&
      (pod === undefined || (await this.#lives(Pod, `${namespace}/${pod.name}`, pod))) &&
      (secret === undefined || (await this.#lives(Secret, `${namespace}/${secret.name}`, secret))) &&
      // Beside a pod the node is only told, not bound to.
      (node === undefined || pod !== undefined || (await this.#lives(Node, node.name, node)))
    );
  }

  async #lives<T extends KubeObject>(type: ResourceType<T>, key: string, { uid }: Named): Promise<boolean> {
    const nowMs = this.#options.clock.now();
    const isAlive = ({ metadata }: T) =>
      metadata.uid === uid &&
      (metadata.deletionTimestamp === undefined ||
        nowMs < Date.parse(metadata.deletionTimestamp) + DELETION_LEEWAY_MS);
    return (await this.#options.lookup.fresh(type, key, isAlive)) !== undefined;
  }
}

function kubernetesClaims(value: unknown): KubernetesClaims | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { namespace, serviceaccount, pod, node, secret } = value as Record<string, unknown>;
  if (typeof namespace !== 'string' || !isNamed(serviceaccount)) return undefined;
  for (const bound of [pod, node, secret]) if (bound !== undefined && !isNamed(bound)) return undefined;
  return {
    namespace,
    serviceaccount,
    pod: pod as Named | undefined,
    node: node as Named | undefined,
    secret: secret as Named | undefined,
  };
}

function isNamed(value: unknown): value is Named {
  if (typeof value !== 'object' || value === null) return false;
  const { name, uid } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof uid === 'string';
}

function userOf({ namespace, serviceaccount, pod, node }: KubernetesClaims, id: string | undefined): User {
  const extra: Record<string, string[]> = {};
  if (id !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${id}`];
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  return {
    name: serviceAccountUserName(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: [GROUP_SERVICE_ACCOUNTS, `${GROUP_SERVICE_ACCOUNTS}:${namespace}`],
    extra,
  };
}
