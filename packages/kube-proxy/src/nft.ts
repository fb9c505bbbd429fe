import { spawn } from 'node:child_process';

/** Runs a script in one transaction: all of it or, with the error, nothing. */
export function applyScript(script: string): Promise<void> {
  return runTool('nft', ['-f', '-'], script);
}

/** Forgets UDP connections to these addresses: they would go on to an endpoint that is no more. Quietly nothing without the tool. */
export async function forgetUdp(
  destinations: readonly { readonly address: string; readonly port: number }[],
): Promise<void> {
  for (const { address, port } of destinations) {
    // Exit code 1 is "none found", a missing tool is a machine without conntrack: both leave nothing to do.
    await runTool('conntrack', ['-D', '-p', 'udp', '--orig-dst', address, '--dport', String(port)]).catch(
      () => undefined,
    );
  }
}

export class ToolError extends Error {
  override readonly name = 'ToolError';
}

function runTool(tool: string, args: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => reject(new ToolError(`${tool}: ${error.message}`)));
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new ToolError(`${tool}: ${stderr.trim() || `exit ${code}`}`)),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
