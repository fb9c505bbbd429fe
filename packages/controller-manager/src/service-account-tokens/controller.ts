/**
 * Tokens controller — fills Secrets of type kubernetes.io/service-account-token with a signed token, and
 * removes those whose
 * service account is gone. (Pods do not use them: theirs are bound tokens by the kubelet.)
 * Reads: such secrets, serviceaccounts (cache; a missing account is asked for live).  Writes: secrets.
 */
import { Secret, ServiceAccount } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import type { Seen } from '../shared/objects.ts';
import { enqueueSelf, onAny } from '../shared/watching.ts';
import { deleteSeen, ifThere } from '../shared/writes.ts';
import type { TokenSigner } from './token.ts';

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

export function tokensController(
  { client, informers }: ControllerDeps,
  options: { readonly signer: TokenSigner; readonly rootCa?: string | undefined },
): ControllerSpec {
  const secrets = informers.filtered(Secret, { fieldSelector: `type=${TYPE}` });
  const accounts = informers.of(ServiceAccount);

  return {
    name: 'serviceaccount-token',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(secrets, enqueue);
      onAny(accounts, ({ metadata: { namespace = '', name } }) => {
        for (const secret of secrets.byNamespace(namespace)) {
          if (secret.metadata.annotations?.[ACCOUNT_NAME] === name)
            enqueue(`${namespace}/${secret.metadata.name}`);
        }
      });
    },
    async reconcile(key) {
      const secret = secrets.get(key);
      const accountName = secret?.metadata.annotations?.[ACCOUNT_NAME];
      if (secret === undefined || accountName === undefined) return done;
      const account = await findAccount({ name: accountName, namespace: secret.metadata.namespace });
      const uid = secret.metadata.annotations?.[ACCOUNT_UID] ?? account?.metadata.uid;
      if (account === undefined || account.metadata.uid !== uid) await deleteSeen(client, Secret, secret);
      else await fill(secret, account);
      return done;
    },
  };

  async function findAccount(ref: { name: string; namespace: string | undefined }) {
    const cached = accounts.get(`${ref.namespace}/${ref.name}`);
    return cached ?? (await ifThere(() => client.get(ServiceAccount, ref)));
  }

  async function fill(secret: Seen<Secret>, account: Seen<ServiceAccount>): Promise<void> {
    const { namespace = '', name } = secret.metadata;
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const wanted: Record<string, string> = { namespace: base64(namespace) };
    if (options.rootCa !== undefined) wanted['ca.crt'] = base64(options.rootCa);
    const has = secret.data ?? {};
    const isFilled = Object.entries(wanted).every(([field, value]) => has[field] === value);
    if (isFilled && has['token'] !== undefined && secret.metadata.annotations?.[ACCOUNT_UID] !== undefined)
      return;
    const serviceAccountUid = account.metadata.uid;
    const subject = { namespace, serviceAccount: account.metadata.name, serviceAccountUid, secret: name };
    const token = has['token'] ?? base64(options.signer.sign(subject));
    const annotations = { ...secret.metadata.annotations, [ACCOUNT_UID]: account.metadata.uid };
    await client.update(Secret, {
      ...secret,
      metadata: { ...secret.metadata, annotations },
      data: { ...has, ...wanted, token },
    });
  }
}
