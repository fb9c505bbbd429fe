import {
  errors,
  type KubeObject,
  Node,
  Pod,
  type ResourceType,
  Secret,
  ServiceAccount,
  type TokenRequest,
} from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import { type Admission, type Attributes } from '../admission/plugin.ts';
import type { KubernetesClaims, Named, ServiceAccountTokens } from '../authn/service-account.ts';
import type { Outcome } from '../core/messages.ts';
import { bodyAs } from '../registry/body.ts';
import type { Call } from '../registry/call.ts';
import { attributesOf } from '../registry/create.ts';
import type { Lookup } from '../registry/lookup.ts';

const SECONDS_DEFAULT = 3600;
const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;

export interface TokenDeps {
  readonly tokens: ServiceAccountTokens;
  readonly lookup: Lookup;
  readonly admission: Admission;
  readonly audiences: readonly string[];
  /** 0: as long as asked for. */
  readonly secondsMax: number;
}

/** POST serviceaccounts/x/token: a token of the account, bound to a pod (or secret, or node) if asked. */
export async function createToken(call: Call, deps: TokenDeps): Promise<Outcome> {
  const request = await bodyAs<TokenRequest & KubeObject>(call, 'TokenRequest');
  const { namespace, name } = call.info;
  request.metadata = { ...request.metadata, name, namespace };
  const asked = request.spec.audiences ?? [];
  const audiences = asked.length === 0 ? [...deps.audiences] : asked;
  const spec = { ...request.spec, audiences };
  spec.expirationSeconds ??= SECONDS_DEFAULT;
  checkSeconds(name, spec.expirationSeconds);
  const attributes: Attributes = {
    ...attributesOf(call, 'CREATE', request, undefined),
    subresource: 'token',
  };
  await deps.admission.admit(attributes);

  const account = await deps.lookup.fresh(ServiceAccount, `${namespace}/${name}`);
  if (account === undefined) throw errors.notFound(ServiceAccount, name);
  const bound = await boundClaims(call, deps.lookup, request.spec.boundObjectRef, name);
  const claims: KubernetesClaims = {
    namespace,
    serviceaccount: { name, uid: account.metadata.uid },
    ...bound,
  };
  const seconds =
    deps.secondsMax > 0 ? Math.min(spec.expirationSeconds, deps.secondsMax) : spec.expirationSeconds;
  const { token, expiresMs } = await deps.tokens.issue(claims, audiences, seconds);
  request.metadata = { ...request.metadata, creationTimestamp: rfc3339(expiresMs - seconds * 1000) };
  return {
    kind: 'object',
    code: 201,
    object: { ...request, spec, status: { token, expirationTimestamp: rfc3339(expiresMs) } },
  };
}

function checkSeconds(name: string, seconds: number): void {
  const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
  const field = 'spec.expirationSeconds';
  if (seconds < SECONDS_MIN) {
    throw errors.invalid(kind, name, [
      {
        type: 'FieldValueInvalid',
        field,
        badValue: seconds,
        detail: 'may not specify a duration less than 10 minutes',
      },
    ]);
  }
  if (seconds > SECONDS_MAX) {
    throw errors.invalid(kind, name, [
      {
        type: 'FieldValueInvalid',
        field,
        badValue: seconds,
        detail: `may not specify a duration larger than 2^32 seconds`,
      },
    ]);
  }
}

type BoundRef = TokenRequest['spec']['boundObjectRef'];

async function boundClaims(
  { info }: Call,
  lookup: Lookup,
  ref: BoundRef,
  account: string,
): Promise<Pick<KubernetesClaims, 'pod' | 'secret' | 'node'>> {
  if (ref === undefined || ref === null) return {};
  const name = ref.name ?? '';
  const key = `${info.namespace}/${name}`;
  switch (`${ref.apiVersion ?? ''} ${ref.kind ?? ''}`) {
    case 'v1 Pod': {
      const pod = await bind(lookup, Pod, key, name, ref.uid);
      if (pod.spec.serviceAccountName !== account) {
        throw errors.badRequest(
          `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
        );
      }
      const node = pod.spec.nodeName ? lookup.get(Node, pod.spec.nodeName) : undefined;
      return { pod: named(pod), ...(node === undefined ? {} : { node: named(node) }) };
    }
    case 'v1 Secret':
      return { secret: named(await bind(lookup, Secret, key, name, ref.uid)) };
    case 'v1 Node':
      return { node: named(await bind(lookup, Node, name, name, ref.uid)) };
    default:
      throw errors.badRequest(
        `cannot bind token to object of type ${ref.apiVersion ?? ''}, Kind=${ref.kind ?? ''}`,
      );
  }
}

async function bind<T extends KubeObject>(
  lookup: Lookup,
  type: ResourceType<T>,
  key: string,
  name: string,
  uid: string | undefined,
): Promise<T> {
  const found = await lookup.fresh(type, key, ({ metadata }) => !uid || metadata.uid === uid);
  if (found !== undefined) return found;
  const namesake = lookup.get(type, key);
  if (namesake === undefined) throw errors.notFound(type, name);
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record`;
  const hint = 'The object might have been deleted and then recreated';
  throw errors.conflict(type, name, `${why}. ${hint}`);
}

function named({ metadata }: KubeObject): Named {
  return { name: metadata.name, uid: metadata.uid };
}
