import { type CertificateSigningRequest, errors } from '@kubelab/api';
import type { AccessRequest, Authorizer } from '../authz/authorizer.ts';
import type { AdmissionPlugin, Attributes } from './plugin.ts';

/**
 * Certificate signing requests carry who made them, and are approved and signed only by who may do so for
 * that signer
 * (upstream: the request's strategy, `CertificateApproval`, `CertificateSigning`).
 */
export function certificateAdmission(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    async admit(attributes) {
      if (!isRequest(attributes) || attributes.object === undefined) return;
      const csr = attributes.object as CertificateSigningRequest;
      if (attributes.operation === 'CREATE') {
        const { name, uid, groups, extra } = attributes.user;
        const asked = csr.spec;
        csr.spec = {
          ...asked,
          username: name,
          groups: [...groups],
          ...(uid === undefined ? {} : { uid }),
          ...(extra === undefined
            ? {}
            : {
                extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
              }),
        };
        return;
      }
      const old = attributes.old as CertificateSigningRequest | undefined;
      const signer = old?.spec.signerName ?? '';
      if (attributes.subresource === 'approval') await mayFor('approve', signer, attributes, authorizer);
      else if (attributes.subresource === 'status' && csr.status?.certificate !== old?.status?.certificate) {
        await mayFor('sign', signer, attributes, authorizer);
      }
    },
  };
}

function isRequest({ resource }: Attributes): boolean {
  return resource.group === 'certificates.k8s.io' && resource.resource === 'certificatesigningrequests';
}

/** On this signer, or on all of its domain. */
async function mayFor(
  verb: string,
  signer: string,
  { user, resource, name }: Attributes,
  authorizer: Authorizer,
): Promise<void> {
  const domain = `${signer.split('/', 1)[0] ?? ''}/*`;
  for (const candidate of [signer, domain]) {
    const request: AccessRequest = {
      user,
      isResource: true,
      verb,
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name: candidate,
      path: '',
      selector: undefined,
    };
    if ((await authorizer.authorize(request)).allowed) return;
  }
  throw errors.forbidden(
    resource,
    name,
    `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`,
  );
}
