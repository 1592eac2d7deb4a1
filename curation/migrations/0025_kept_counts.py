"""Queries and lines are counted by the database itself, in place of indexes made for counting."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from web.kept_counts import KeepCounts
from web.plain_indexes import DropPlainIndexes

IN_PLAY = "{row}.duplicate_of_id IS NULL AND {row}.contamination <> 'set_aside'"
STAGE = ['duplicate_of_id', 'contamination', 'decision', 'scoring']
# As curation/decisions/foreseeing.py reads thresholds: half less and rounded is cut off, and a millionth of a point is forgiven.
HUNDREDTH = 'CAST(ROUND({row}.expected * 100 - 0.4999) AS INTEGER)'
PLACE = ['audit_place', 'disputed', 'flip_risk', 'linked_gap', 'cell_rarity']
QUEUED = '({row}.audit_order IS NOT NULL)'
BY_PERSON = "({row}.decision_rule = 'verdict')"


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0024_search_beside'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ExpectedCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hundredth', models.IntegerField()),
                ('decision', models.CharField(choices=[('none', 'undecided'), ('keep', 'keep'), ('drop', 'drop')], max_length=8)),
                ('by_person', models.BooleanField()),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='LineCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('repeats', models.BooleanField(help_text='the query was known already')),
                ('batch', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='curation.importbatch')),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='QueryCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=32)),
                ('natural_language', models.CharField(help_text='empty: not looked at', max_length=8)),
                ('stage', models.CharField(choices=[('duplicate', 'duplicate'), ('set_aside', 'set aside'), ('kept', 'kept'), ('dropped', 'dropped'), ('unreadable', 'unreadable'), ('scored', 'scored'), ('unscored', 'unscored')], max_length=12)),
                ('disputed', models.BooleanField()),
                ('used', models.BooleanField()),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='curation.source')),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='RatingCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=32)),
                ('ratings', models.CharField(max_length=200)),
                ('decision', models.CharField(choices=[('none', 'undecided'), ('keep', 'keep'), ('drop', 'drop')], max_length=8)),
                ('by_person', models.BooleanField()),
                ('queued', models.BooleanField(help_text='it has a place in the audit queue, judged or not')),
                ('judged', models.BooleanField(help_text='people have judged it as often as was wanted')),
                ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='curation.source')),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_by_source_stage_used',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_by_decision',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_by_language_stage',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_by_ratings_source',
        ),
        migrations.RemoveIndex(
            model_name='query',
            name='query_by_verdict',
        ),
        DropPlainIndexes('curation_query', ['source_id', 'duplicate_of_id', 'claimed_by_id', 'text_hash']),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='query',
                    name='claimed_by',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='query',
                    name='duplicate_of',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duplicates', to='curation.query'),
                ),
                migrations.AlterField(
                    model_name='query',
                    name='source',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='queries', to='curation.source'),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(condition=models.Q(('duplicate_of__isnull', False)), fields=['duplicate_of'], name='query_duplicates'),
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(condition=models.Q(('claimed_until__isnull', False)), fields=['claimed_until', 'claimed_by'], name='query_held'),
        ),
        KeepCounts(
            'curation_querycount',
            'curation_query',
            {
                'source_id': '{row}.source_id',
                'language': '{row}.language',
                'natural_language': "COALESCE({row}.natural_language, '')",
                'stage': '{row}.stage',
                'disputed': '{row}.disputed',
                'used': '{row}.used',
            },
            moved_by=['source_id', 'language', 'natural_language', 'disputed', 'used', *STAGE],
        ),
        KeepCounts(
            'curation_ratingcount',
            'curation_query',
            {
                'source_id': '{row}.source_id',
                'language': '{row}.language',
                'ratings': '{row}.ratings',
                'decision': '{row}.decision',
                'by_person': BY_PERSON,
                'queued': QUEUED,
                'judged': '({row}.reviews_given >= {row}.reviews_wanted)',
            },
            among=f"({{row}}.ratings > '' OR {QUEUED}) AND {IN_PLAY}",
            moved_by=['source_id', 'language', 'ratings', 'decision_rule', *STAGE, *PLACE, 'reviews_given', 'reviews_wanted'],
        ),
        KeepCounts(
            'curation_expectedcount',
            'curation_query',
            {'hundredth': HUNDREDTH, 'decision': '{row}.decision', 'by_person': BY_PERSON},
            among=f'{{row}}.expected IS NOT NULL AND {IN_PLAY}',
            moved_by=['expected', 'decision_rule', *STAGE],
        ),
        KeepCounts(
            'curation_linecount',
            'curation_sighting',
            {'batch_id': '{row}.batch_id', 'repeats': '{row}.repeats'},
            moved_by=['batch_id', 'repeats'],
        ),
    ]
