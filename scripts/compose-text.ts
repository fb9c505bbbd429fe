import { stringify } from 'yaml';

const HEADER = `# A lab as containers: docker-compose up, then kubectl --kubeconfig lab/kubeconfig get nodes
# Written by scripts/generate-compose.ts from the same plan and the same commands as the docker driver.
# KUBELAB_PORT=16443 docker-compose up: where another program has the port 6443.
# Without a registry run "npm run images" first: it makes the base image from this machine's files.
`;

export function composeText(content: unknown): string {
  return `${HEADER}${stringify(content, { lineWidth: 0 })}`;
}
