/** What the parent sends to the gateway process. */
export type ToGateway =
  { type: 'start'; presharedKey: string; privateKey: string } | { type: 'open'; port: number } | { type: 'memory' };

/** What the gateway process answers. */
export type FromGateway =
  | { type: 'started'; privatePort: number }
  | { type: 'opened' }
  | { type: 'failed'; message: string }
  | { type: 'memory'; bytes: number };
