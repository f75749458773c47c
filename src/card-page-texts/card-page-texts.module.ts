import { Module } from '@nestjs/common';
import { CardPageTexts } from './card-page-texts.service';

@Module({ providers: [CardPageTexts], exports: [CardPageTexts] })
export class CardPageTextsModule {}
