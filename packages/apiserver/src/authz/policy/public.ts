import { allow } from './rule.ts';
import type { BootstrapRole } from './roles.ts';
import { group } from './subjects.ts';

/** What everybody may ask: who am I, what may I do, what is served, is it alive. */
export const publicRoles: readonly BootstrapRole[] = [
  {
    name: 'system:basic-user',
    rules: [
      allow('create').of('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      allow('create').of('authentication.k8s.io', 'selfsubjectreviews'),
    ],
    subjects: [group('system:authenticated')],
  },
  {
    name: 'system:discovery',
    rules: [
      allow('get').paths(
        '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/',
      ),
    ],
    subjects: [group('system:authenticated')],
  },
  {
    name: 'system:public-info-viewer',
    rules: [allow('get').paths('/healthz /livez /readyz /version /version/')],
    subjects: [group('system:authenticated'), group('system:unauthenticated')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      allow('get').paths(
        '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
      ),
    ],
    subjects: [group('system:serviceaccounts')],
  },
  {
    name: 'system:monitoring',
    rules: [
      allow('get').paths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*'),
    ],
    subjects: [group('system:monitoring')],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      allow('create').of('authentication.k8s.io', 'tokenreviews'),
      allow('create').of('authorization.k8s.io', 'subjectaccessreviews'),
    ],
  },
  {
    name: 'system:heapster',
    rules: [
      allow('get list watch').of('', 'events namespaces nodes pods'),
      allow('get list watch').of('apps', 'deployments'),
    ],
  },
];
