import type { OpenLab } from './open.ts';
import { labPkiPlan } from './pki-plan.ts';

/** Makes the certificates and kubeconfigs that are missing. The package is loaded only here: it is slow to import. */
export async function ensurePki({ folder, plan }: OpenLab): Promise<void> {
  const { ensureLabPki } = await import('@kubelab/pki');
  await ensureLabPki(folder.path, labPkiPlan(plan), Date.now());
}
