import { errors } from '@kubelab/api';
import type { ClientCertificate } from '../core/messages.ts';
import type { User } from '../core/user.ts';

/** The subject says who it is: CN is the name, each O a group. The chain was verified in the handshake. */
export function userOfCertificate(certificate: ClientCertificate, nowMs: number): User {
  const { commonName, organizations, notAfterMs } = certificate;
  if (commonName === '' || nowMs > notAfterMs) throw errors.unauthorized();
  return { name: commonName, groups: [...organizations] };
}
