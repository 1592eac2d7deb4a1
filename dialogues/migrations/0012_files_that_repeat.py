"""Which further files hold an imported dialogue."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0027_files_that_repeat'),
        ('dialogues', '0011_held_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='dialogue',
            name='also_in',
            field=models.ManyToManyField(blank=True, help_text='other files that hold it; it moves there when its own is withdrawn', related_name='+', to='curation.importbatch'),
        ),
    ]
