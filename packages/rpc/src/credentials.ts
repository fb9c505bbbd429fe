import { createSecureContext, type SecureContext } from 'node:tls';
import { ChannelCredentials, credentials } from '@grpc/grpc-js';
import { type ClientTls, isSecure } from './tls.ts';

/** What grpc-js wants to know about the way to a URL. */
export function clientCredentials(url: string, tls: ClientTls | undefined): ChannelCredentials {
  if (!isSecure(url)) return credentials.createInsecure();
  const verify = { rejectUnauthorized: tls?.skipVerify !== true };
  if (tls?.current !== undefined)
    return ChannelCredentials.createFromSecureContext(currentContext(tls.current), verify);
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert), verify);
}

/** The context of what is valid at the time when a connection is made with it. */
function currentContext(current: () => ClientTls): SecureContext {
  let last: ClientTls | undefined;
  let made: SecureContext | undefined;
  return {
    get context(): unknown {
      const now = current();
      if (made === undefined || now !== last) {
        const { ca, cert, key } = now;
        made = createSecureContext({
          ca: pem(ca) ?? undefined,
          cert: pem(cert) ?? undefined,
          key: pem(key) ?? undefined,
        });
        last = now;
      }
      return made.context;
    },
  };
}

function pem(value: string | Uint8Array | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}
