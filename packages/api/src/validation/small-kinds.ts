/** Kinds with a few rules each. */
import { forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { CertificateSigningRequest, Event, Lease, Namespace, RuntimeClass } from '../generated/types.ts';
import { type Errors, dnsLabel, immutable, nonNegative, positive, qualifiedName } from './checks.ts';
import { validateFinalizers } from './object-meta.ts';

export function* validateNamespace(namespace: Namespace): Errors {
  yield* validateFinalizers(namespace.spec?.finalizers ?? [], 'spec.finalizers');
}

export function* validateLease({ spec }: Lease): Errors {
  yield* positive('spec.leaseDurationSeconds', spec?.leaseDurationSeconds);
  yield* nonNegative('spec.leaseTransitions', spec?.leaseTransitions);
}

/** Events about things without a namespace live in `default`. */
const HOMES_OF_CLUSTER_EVENTS = ['', 'default', 'kube-system'];

export function* validateEvent(event: Event): Errors {
  const about = event.involvedObject?.namespace ?? '';
  const namespace = event.metadata.namespace ?? '';
  const isHome = about === '' ? HOMES_OF_CLUSTER_EVENTS.includes(namespace) : about === namespace;
  if (!isHome) yield invalid('involvedObject.namespace', about, 'does not match event.namespace');
  if (!event.eventTime) return;
  // Events of the newer kind say who saw what being done.
  for (const [field, value] of [
    ['reportingController', event.reportingComponent],
    ['reportingInstance', event.reportingInstance],
    ['action', event.action],
    ['reason', event.reason],
  ] as const) {
    if (!value) yield required(field);
  }
  if (event.type !== 'Normal' && event.type !== 'Warning')
    yield notSupported('type', event.type ?? '', ['Normal', 'Warning']);
}

const EXPIRATION_SECONDS_MIN = 600;

export function* validateCertificateSigningRequest(
  csr: CertificateSigningRequest,
  old?: CertificateSigningRequest,
): Errors {
  const { spec } = csr;
  if (old !== undefined) {
    yield* validateDecisions(csr, old);
    return;
  }
  if (!spec.request) yield required('spec.request');
  else if (!isPemRequest(spec.request))
    yield invalid('spec.request', spec.request, 'PEM block type must be CERTIFICATE REQUEST');
  if ((spec.usages ?? []).length === 0) yield required('spec.usages', 'usages is required');
  if (!spec.signerName) yield required('spec.signerName');
  else if (!spec.signerName.includes('/')) {
    yield invalid(
      'spec.signerName',
      spec.signerName,
      'must be a fully qualified domain and path of the form "example.com/signer-name"',
    );
  }
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < EXPIRATION_SECONDS_MIN) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    yield invalid('spec.expirationSeconds', spec.expirationSeconds, why);
  }
}

/** Said once, a decision stands, and there is only one. */
function* validateDecisions(csr: CertificateSigningRequest, old: CertificateSigningRequest): Errors {
  const types = (request: CertificateSigningRequest) =>
    (request.status?.conditions ?? []).map(({ type }) => type);
  const now = types(csr);
  for (const decision of ['Approved', 'Denied', 'Failed']) {
    if (types(old).includes(decision) && !now.includes(decision)) {
      yield forbidden('status.conditions', `updates may not remove a condition of type "${decision}"`);
    }
  }
  if (now.includes('Approved') && now.includes('Denied')) {
    yield invalid('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive');
  }
  if (old.status?.certificate) {
    for (const error of immutable('status.certificate', csr.status?.certificate, old.status.certificate)) {
      yield forbidden(error.field, 'updates may not change certificate content once set');
    }
  }
}

function isPemRequest(base64: string): boolean {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  return /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/.test(text);
}

export function* validateRuntimeClass(runtimeClass: RuntimeClass, old?: RuntimeClass): Errors {
  yield* dnsLabel('handler', runtimeClass.handler ?? '');
  if (old !== undefined) yield* immutable('handler', runtimeClass.handler, old.handler);
  for (const key of Object.keys(runtimeClass.scheduling?.nodeSelector ?? {})) {
    yield* qualifiedName('scheduling.nodeSelector', key);
  }
}
