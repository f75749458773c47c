import { Injectable } from '@nestjs/common';
import { Wishes, Words } from './card-page-text.types';
import { chooseSpeech } from './speech.policy';
import { SpokenWords } from './words';

/** What the seller's page says, in the language its visitor understands best. */
@Injectable()
export class CardPageTexts {
  wordsFor(wishes: Wishes): Words {
    return new SpokenWords(chooseSpeech(wishes));
  }
}
