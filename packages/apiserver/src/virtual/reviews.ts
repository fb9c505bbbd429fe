import {
  errors,
  type KubeObject,
  type SelfSubjectAccessReview,
  type SelfSubjectReview,
  type SelfSubjectRulesReview,
  type SubjectAccessReview,
  type SubjectAccessReviewSpec,
  type TokenReview,
} from '@kubelab/api';
import type { Authenticator } from '../authn/authenticator.ts';
import type { AccessRequest, Authorizer } from '../authz/authorizer.ts';
import type { Rbac } from '../authz/rbac.ts';
import type { User } from '../core/user.ts';
import type { Outcome } from '../core/messages.ts';
import { objectOfBody } from '../registry/body.ts';
import type { Call } from '../registry/call.ts';
import type { Handlers } from '../registry/dispatch.ts';

/** Questions put as objects: they are answered, never stored. */
export function reviewHandlers(deps: {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly rbac: Rbac;
}): Handlers {
  const { authenticator, authorizer, rbac } = deps;

  async function accessReview(call: Call, user: (spec: SubjectAccessReviewSpec) => User): Promise<Outcome> {
    const review = (await objectOfBody(call, call.resource)) as SubjectAccessReview;
    const request = requestOf(review.spec, user(review.spec));
    if (call.info.namespace !== '' && request.namespace !== call.info.namespace) {
      throw errors.badRequest(
        `spec.resourceAttributes.namespace must match namespace: ${call.info.namespace}`,
      );
    }
    const { allowed, reason } = await authorizer.authorize(request);
    return created({
      ...review,
      status: { allowed, ...(reason === '' ? {} : { reason }) },
    } satisfies SubjectAccessReview);
  }

  async function tokenReview(call: Call): Promise<Outcome> {
    const review = (await objectOfBody(call, call.resource)) as TokenReview;
    if (!review.spec.token) throw errors.badRequest('token is required for TokenReview in authentication');
    const found = await authenticator.token(review.spec.token, review.spec.audiences ?? []);
    const status =
      found === undefined
        ? { authenticated: false, user: {} }
        : { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] };
    return created({ ...review, status });
  }

  async function whoAmI(call: Call): Promise<Outcome> {
    const review = (await objectOfBody(call, call.resource)) as SelfSubjectReview;
    return created({ ...review, status: { userInfo: userInfo(call.user) } });
  }

  async function rulesReview(call: Call): Promise<Outcome> {
    const review = (await objectOfBody(call, call.resource)) as SelfSubjectRulesReview;
    const namespace = review.spec.namespace ?? '';
    if (namespace === '') throw errors.badRequest('no namespace on request');
    const rules = [...rbac.rulesFor(call.user, namespace)].flatMap((bound) => bound.rules);
    const resourceRules = rules
      .filter((rule) => (rule.resources ?? []).length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames === undefined ? {} : { resourceNames }),
      }));
    const nonResourceRules = rules
      .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
    return created({ ...review, status: { resourceRules, nonResourceRules, incomplete: false } });
  }

  const asSpec = (spec: SubjectAccessReviewSpec): User => ({
    name: spec.user ?? '',
    uid: spec.uid,
    groups: spec.groups ?? [],
    extra: spec.extra,
  });
  const asked = (call: Call) => accessReview(call, asSpec);
  return {
    'selfsubjectaccessreviews.authorization.k8s.io': {
      create: (call) => accessReview(call, () => call.user),
    },
    'subjectaccessreviews.authorization.k8s.io': { create: asked },
    'localsubjectaccessreviews.authorization.k8s.io': { create: asked },
    'selfsubjectrulesreviews.authorization.k8s.io': { create: rulesReview },
    'tokenreviews.authentication.k8s.io': { create: tokenReview },
    'selfsubjectreviews.authentication.k8s.io': { create: whoAmI },
  };
}

type ReviewSpec = SubjectAccessReviewSpec | SelfSubjectAccessReview['spec'];

function requestOf(spec: ReviewSpec, user: User): AccessRequest {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if ((resource === undefined) === (path === undefined)) {
    throw errors.badRequest('exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  const nothing = {
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    path: '',
    selector: undefined,
  };
  if (resource === undefined)
    return { ...nothing, user, isResource: false, verb: path?.verb ?? '', path: path?.path ?? '' };
  return {
    ...nothing,
    user,
    isResource: true,
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
    selector: selectorOf(resource.fieldSelector),
  };
}

function selectorOf(fieldSelector: { rawSelector?: string | undefined } | undefined): string | undefined {
  return fieldSelector?.rawSelector;
}

function userInfo({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function created(object: KubeObject | object): Outcome {
  return { kind: 'object', code: 201, object };
}
