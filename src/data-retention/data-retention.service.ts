import { Injectable } from '@nestjs/common';
import { Cardholder } from '../cardholders/cardholder.types';
import { CardholdersService } from '../cardholders/cardholders.service';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { Clock } from '../shared/clock';
import { CardholderHasOpenPayouts } from './data-retention.errors';
import { DataRetentionRepository, EncryptedColumn, encryptedColumns } from './data-retention.repository';

const dayMs = 86_400_000;
// Small enough that nobody waits long for a row, large enough that a million are soon done.
const rowsPerRound = 1_000;
const ciphertextsPerRound = 200;

export type Forgotten = Readonly<{ stripeEvents: number; deliveries: number; outgoingEvents: number }>;

/** What is kept no longer than it is needed: a person's data on demand, old payloads by age, and ciphertexts of old keys. */
@Injectable()
export class DataRetentionService {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly encryption: Encryption,
    private readonly cardholders: CardholdersService,
    private readonly repository: DataRetentionRepository,
  ) {}

  /**
   * Erases a cardholder's personal data and what was copied from it. The books stay whole: they never held any.
   * @throws {CardholderNotFound | CardholderBusy | CardholderHasOpenPayouts}
   */
  async eraseCardholder(tx: Tx, id: string): Promise<Cardholder> {
    const erased = await this.cardholders.erase(tx, id);
    // Looked at after the cardholder's lock: a payout that is just being made waits for it, and then finds it erased.
    const open = await this.repository.countOpenPayouts(tx, id);
    if (open > 0) throw new CardholderHasOpenPayouts(id, open);
    await this.repository.forgetCardholder(tx, id);
    return erased;
  }

  /** Removes what is older than the configuration keeps, in small rounds. */
  async enforce(): Promise<Forgotten> {
    const { retentionStripeEventsDays, retentionWebhooksDays } = this.config;
    return {
      stripeEvents: await this.untilNone(retentionStripeEventsDays, (...round) =>
        this.repository.emptyStripeEvents(...round),
      ),
      deliveries: await this.untilNone(retentionWebhooksDays, (...round) => this.repository.deleteDeliveries(...round)),
      outgoingEvents: await this.untilNone(retentionWebhooksDays, (...round) =>
        this.repository.deleteOutgoingEvents(...round),
      ),
    };
  }

  /**
   * Encrypts anew what another key than the first of DATA_ENCRYPTION_KEYS encrypted. May be stopped and repeated; the service may run
   * meanwhile. Answers how many.
   * @throws {DecryptionFailed} when a key that is still needed is not configured; what was done stays done
   */
  async reencrypt(onProgress: (done: number) => void = () => undefined): Promise<number> {
    let done = 0;
    for (const column of encryptedColumns) {
      for (let count = ciphertextsPerRound; count === ciphertextsPerRound;) {
        count = await this.database.transaction((tx) => this.reencryptRound(tx, column));
        done += count;
        if (count > 0) onProgress(done);
      }
    }
    return done;
  }

  private async reencryptRound(tx: Tx, column: EncryptedColumn): Promise<number> {
    const outdated = await this.repository.lockOutdated(tx, column, this.encryption.currentPrefix, ciphertextsPerRound);
    for (const { id, text } of outdated) {
      await this.repository.replaceCiphertext(tx, column, id, this.encryption.encrypt(this.encryption.decrypt(text)));
    }
    return outdated.length;
  }

  private async untilNone(days: number, round: (before: Date, limit: number) => Promise<number>): Promise<number> {
    const before = new Date(this.clock.now().getTime() - days * dayMs);
    let all = 0;
    for (let count = rowsPerRound; count === rowsPerRound; all += count) count = await round(before, rowsPerRound);
    return all;
  }
}
