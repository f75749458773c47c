import { Global, Module } from '@nestjs/common';
import { Encryption } from './encryption.service';
import { KeyedHashes } from './keyed-hash.service';

@Global()
@Module({ providers: [Encryption, KeyedHashes], exports: [Encryption, KeyedHashes] })
export class EncryptionModule {}
