"""Which file brought a solution, and which further files hold a problem or a solution."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0026_hit_proves'),
    ]

    operations = [
        migrations.AddField(
            model_name='problem',
            name='also_in',
            field=models.ManyToManyField(blank=True, help_text='other files that hold it; it moves there when its own is withdrawn', related_name='+', to='curation.importbatch'),
        ),
        migrations.AddField(
            model_name='solution',
            name='also_in',
            field=models.ManyToManyField(blank=True, help_text='other files that hold it; it moves there when its own is withdrawn', related_name='+', to='curation.importbatch'),
        ),
        migrations.AddField(
            model_name='solution',
            name='batch',
            field=models.ForeignKey(blank=True, help_text='the file that brought it; empty: it goes with its problem', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='solutions', to='curation.importbatch'),
        ),
    ]
