"""Dialogues that someone holds are found by an index of these alone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from web.plain_indexes import DropPlainIndexes


class Migration(migrations.Migration):

    dependencies = [
        ('dialogues', '0010_search_beside'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        DropPlainIndexes('dialogues_dialogue', ['claimed_by_id']),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='dialogue',
                    name='claimed_by',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='dialogue',
            index=models.Index(condition=models.Q(('claimed_until__isnull', False)), fields=['claimed_until', 'claimed_by'], name='dialogue_held'),
        ),
    ]
