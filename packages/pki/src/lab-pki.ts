import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type CertificateRequest,
  createAuthority,
  createServiceAccountKeys,
  issueCertificate,
  type KeyPair,
} from './authority.ts';
import { kubeconfigText } from './kubeconfig.ts';

/** What the certificates of a lab have to know of its members. */
export interface PkiPlan {
  readonly lab: string;
  readonly members: readonly PkiMember[];
  /** URL that the administrator's kubeconfig names (the balancer on loopback). */
  readonly publicServer: string;
  /** URLs that members use in their kubeconfigs; components may override them by `--master`. */
  readonly internalServer: string;
  /** First address of the service range: pods reach the API by it. */
  readonly apiServiceIp: string;
  readonly clusterDomain: string;
}

export interface PkiMember {
  readonly name: string;
  readonly kind: 'etcd' | 'apiserver' | 'lb' | 'scheduler' | 'controller-manager' | 'images' | 'node';
  /** Fixed addresses of the member, if its driver gives it any. */
  readonly addresses: readonly string[];
}

/**
 * Makes what is missing of a lab's PKI below `folder`, never replaces what is there:
 * `pki/` (the CAs, upstream's file names), `members/<member>/` (just what that member needs), `kubeconfig` (the administrator's).
 * PKI-1: a private key is readable by its owner only (0600); PKI-2: no CA key leaves `pki/`, but for the controller manager's signer.
 */
export async function ensureLabPki(folder: string, plan: PkiPlan, nowMs: number): Promise<void> {
  const store = new PkiFolder(folder, nowMs);
  const ca = await store.authority('pki/ca', 'kubernetes');
  const etcdCa = await store.authority('pki/etcd/ca', 'etcd-ca');
  await store.authority('pki/front-proxy-ca', 'front-proxy-ca');
  const serviceAccount = await store.serviceAccountKeys();
  const admin = await store.pair('pki/admin', ca, {
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usages: ['client'],
  });
  await store.pair('pki/etcd/admin', etcdCa, { commonName: 'kubelab-admin', usages: ['client'] });
  const kubeconfig = { cluster: plan.lab, ca: ca.cert };
  await store.file(
    'kubeconfig',
    kubeconfigText({ ...kubeconfig, server: plan.publicServer, user: 'kubernetes-admin', client: admin }),
  );

  const forMember: Readonly<Record<PkiMember['kind'], (member: PkiMember) => Promise<void>>> = {
    etcd: async (member) => {
      const at = `members/${member.name}/pki`;
      const names = serving(member, []);
      await store.file(`${at}/ca.crt`, etcdCa.cert);
      await store.pair(`${at}/server`, etcdCa, { ...names, usages: ['server', 'client'] });
      await store.pair(`${at}/peer`, etcdCa, { ...names, usages: ['server', 'client'] });
    },
    apiserver: async (member) => {
      const at = `members/${member.name}/pki`;
      const service = [
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        `kubernetes.default.svc.${plan.clusterDomain}`,
      ];
      const names = serving(member, [...service, 'lb-1', 'host.docker.internal'], [plan.apiServiceIp]);
      await store.file(`${at}/ca.crt`, ca.cert);
      await store.file(`${at}/etcd-ca.crt`, etcdCa.cert);
      await store.pair(`${at}/apiserver`, ca, { ...names, commonName: 'kube-apiserver', usages: ['server'] });
      await store.pair(`${at}/apiserver-etcd-client`, etcdCa, {
        commonName: 'kube-apiserver-etcd-client',
        usages: ['client'],
      });
      await store.pair(`${at}/apiserver-kubelet-client`, ca, {
        commonName: 'kube-apiserver-kubelet-client',
        organizations: ['kubeadm:cluster-admins'],
        usages: ['client'],
      });
      await store.file(`${at}/sa.key`, serviceAccount.privateKey);
      await store.file(`${at}/sa.pub`, serviceAccount.publicKey);
    },
    lb: async () => undefined,
    scheduler: (member) => clientMember(member, 'scheduler.conf', 'system:kube-scheduler'),
    'controller-manager': async (member) => {
      const at = `members/${member.name}`;
      await clientMember(member, 'controller-manager.conf', 'system:kube-controller-manager');
      await store.file(`${at}/pki/ca.key`, ca.key);
      await store.file(`${at}/pki/sa.key`, serviceAccount.privateKey);
    },
    images: async (member) => {
      const at = `members/${member.name}/pki`;
      await store.file(`${at}/ca.crt`, ca.cert);
      await store.pair(`${at}/server`, ca, { ...serving(member, []), usages: ['server'] });
    },
    node: async (member) => {
      const at = `members/${member.name}`;
      const identity = {
        commonName: `system:node:${member.name}`,
        organizations: ['system:nodes'],
        usages: ['client'],
      } as const;
      await store.file(`${at}/pki/ca.crt`, ca.cert);
      await store.pair(`${at}/pki/kubelet`, ca, {
        ...serving(member, []),
        organizations: ['system:nodes'],
        usages: ['server'],
      });
      await store.pair(`${at}/pki/kubelet-client`, ca, identity);
      await clientMember(member, 'kubelet.conf', identity.commonName, identity.organizations);
      await clientMember(member, 'kube-proxy.conf', 'system:kube-proxy');
      await clientMember(member, 'dns.conf', 'system:kube-dns');
    },
  };

  async function clientMember(
    member: PkiMember,
    file: string,
    user: string,
    organizations: readonly string[] = [],
  ): Promise<void> {
    const at = `members/${member.name}`;
    const name = file.replace(/\.conf$/, '');
    await store.file(`${at}/pki/ca.crt`, ca.cert);
    const client = await store.pair(`${at}/pki/${name}-identity`, ca, {
      commonName: user,
      organizations,
      usages: ['client'],
    });
    await store.file(
      `${at}/${file}`,
      kubeconfigText({ ...kubeconfig, server: plan.internalServer, user, client }),
    );
  }

  await Promise.all(plan.members.map((member) => forMember[member.kind](member)));
}

/** Certificates name members; loopback is added for the ports published there, fixed addresses where the driver has them. */
function serving(
  member: PkiMember,
  dnsNames: readonly string[],
  ipAddresses: readonly string[] = [],
): Omit<CertificateRequest, 'usages'> {
  return {
    commonName: member.kind === 'node' ? `system:node:${member.name}` : member.name,
    dnsNames: [member.name, 'localhost', ...dnsNames],
    ipAddresses: [...new Set(['127.0.0.1', ...member.addresses, ...ipAddresses])],
  };
}

/** Files below one folder; each is made once and kept. */
class PkiFolder {
  readonly #folder: string;
  readonly #nowMs: number;

  constructor(folder: string, nowMs: number) {
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  authority(path: string, commonName: string): Promise<KeyPair> {
    return this.#keyPair(path, () => createAuthority(commonName, this.#nowMs));
  }

  pair(path: string, authority: KeyPair, request: CertificateRequest): Promise<KeyPair> {
    return this.#keyPair(path, () => issueCertificate(authority, request, this.#nowMs));
  }

  async serviceAccountKeys(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
    const [privateKey, publicKey] = await Promise.all([this.#read('pki/sa.key'), this.#read('pki/sa.pub')]);
    if (privateKey !== undefined && publicKey !== undefined) return { privateKey, publicKey };
    const made = await createServiceAccountKeys();
    await this.file('pki/sa.key', made.privateKey);
    await this.file('pki/sa.pub', made.publicKey);
    return made;
  }

  async file(path: string, text: string): Promise<void> {
    const target = join(this.#folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeFile(target, text, { mode: 0o600 });
  }

  async #keyPair(path: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
    const [cert, key] = await Promise.all([this.#read(`${path}.crt`), this.#read(`${path}.key`)]);
    if (cert !== undefined && key !== undefined) return { cert, key };
    const made = await make();
    await this.file(`${path}.key`, made.key);
    await this.file(`${path}.crt`, made.cert);
    return made;
  }

  async #read(path: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#folder, path), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
