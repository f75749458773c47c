import { FastifyRequest } from 'fastify';

/** What a key may do. Everything not granted is refused; `admin` may do everything. */
export const apiKeyRoles = ['marketplace', 'finance', 'admin', 'auditor', 'pci'] as const;
export type ApiKeyRole = (typeof apiKeyRoles)[number];

/** Whose request it is. The key itself is never kept on the request: what is not there cannot be logged. */
export type AuthenticatedKey = Readonly<{
  id: string;
  role: ApiKeyRole;
  /** The first key of its line of rotations: who counts as the same caller. */
  familyId: string;
}>;

/** What `Idempotency.run` decided about the answer; applied when the answer is sent. */
export type AnswerMarks = Readonly<{ status: number; isReplay: boolean }>;

/** What our hooks and guards leave on a request. */
export interface RequestMarks {
  apiKey?: AuthenticatedKey;
  answerMarks?: AnswerMarks;
  /** The audit log has it already, written in the transaction of the work. */
  isAudited?: boolean;
  /** The code of the problem it was answered with. */
  refusalCode?: string;
  /** The bytes as they arrived; only under /webhooks, where signatures are computed over them. */
  rawBody?: Buffer;
}

export type MarkedRequest = FastifyRequest & RequestMarks;
